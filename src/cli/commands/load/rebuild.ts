import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { rebuild } from '../../../pipeline/rebuild.ts'
import { addCommand, examples } from '../../help.ts'
import type { JsonFlag } from '../../output.ts'
import { printRun, withRunContext } from '../../with-warehouse.ts'

/** Adds the command that replays the landing zone. */
export function addRebuild(program: Command) {
  addCommand(
    program,
    'rebuild',
    'Transform and publish again from the landing zone, without the API.',
  )
    .addHelpText('after', examples('cosell rebuild', 'cosell rebuild --json'))
    .action(({ json }: JsonFlag) =>
      withRunContext(loadConfig(), async (context) => {
        printRun(json, context.place, await rebuild(context))
      }),
    )
}
