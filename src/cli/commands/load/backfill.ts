import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import type { BackfillRequest } from '../../../extract/incremental/backfill-windows.ts'
import { backfill } from '../../../pipeline/backfill.ts'
import { planBackfill } from '../../../pipeline/backfill-plan.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderBackfillPlan } from '../../text/backfill-plan.ts'
import { printRun, withRunContext } from '../../with-warehouse.ts'

type BackfillFlags = JsonFlag & BackfillRequest & { readonly plan?: true }

/** Adds the command that reads history in windows. */
export function addBackfill(program: Command) {
  addCommand(
    program,
    'backfill',
    'Read history month by month, beside the nightly job; resumes where it stopped.',
  )
    .requiredOption('--from <day>', 'first day of creation, YYYY-MM-DD')
    .option('--to <day>', 'first day that is not read (tomorrow)')
    .option('--plan', 'show windows, calls and time, and change nothing')
    .addHelpText(
      'after',
      examples(
        'cosell backfill --from 2022-01-01 --plan',
        'cosell backfill --from 2022-01-01 --to 2024-01-01',
      ),
    )
    .action(({ json, plan, ...request }: BackfillFlags) =>
      withRunContext(
        loadConfig(),
        async (context) => {
          if (plan) {
            const planned = await planBackfill(context, request)
            printAnswer(json, planned, (style) => renderBackfillPlan(planned.accounts, style))
          } else {
            printRun(json, context.place, await backfill(context, request))
          }
        },
        { readsAccounts: true },
      ),
    )
}
