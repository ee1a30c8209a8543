import { Argument, type Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { retryQuarantined } from '../../../pipeline/rebuild.ts'
import {
  listOpenEntries,
  quarantineUsageError,
  showEntries,
} from '../../../quarantine/list-and-show.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderEntries, renderEntry } from '../../text/quarantine.ts'
import { printRun, withRunContext, withWarehouse } from '../../with-warehouse.ts'

type QuarantineFlags = JsonFlag & { readonly account?: string }

/** Adds the command for referrals that could not be loaded. */
export function addQuarantine(program: Command) {
  addCommand(program, 'quarantine', 'List, show or retry the referrals that could not be loaded.')
    .addArgument(new Argument('<action>', 'what to do').choices(['list', 'show', 'retry']))
    .argument('[referral-id...]', 'show: one; retry: any number, all in quarantine if left out')
    .option('--account <name>', 'only this account; needed when two have the same referral')
    .addHelpText(
      'after',
      examples(
        'cosell quarantine list',
        'cosell quarantine show 5d3f9a10-0000-4000-8000-000000000001',
        'cosell quarantine retry',
        'cosell quarantine retry 5d3f9a10-0000-4000-8000-000000000001 --account contoso --json',
      ),
    )
    .addHelpText('after', actionHelp)
    .action(quarantine)
}

const actionHelp = `

show prints the reason and the property types around the invalid value. It prints the value itself,
cut at 120 characters, only where it is a plain one outside people and free text. retry transforms
and publishes the landed versions without the API; it ends with 0 even if a referral stays in
quarantine. A newer version of a referral, and rebuild, retry it as well.`

async function quarantine(
  action: string,
  referralIds: readonly string[],
  { json, account }: QuarantineFlags,
) {
  if (action === 'retry') return retry(referralIds, account, json)
  if (action === 'list' && referralIds.length > 0) {
    throw quarantineUsageError('list takes no referral id.')
  }
  const show = async ({ query }: OpenWarehouse) => {
    if (action === 'show') {
      const entries = await showEntries(query, referralIds, account)
      printAnswer(json, { status: 'ok', entries }, () => entries.map(renderEntry).join('\n\n'))
    } else {
      const entries = await listOpenEntries(query, account)
      printAnswer(json, { status: 'ok', entries }, (style) => renderEntries(entries, style))
    }
  }
  await withWarehouse(loadConfig(), show, { isWriting: false })
}

function retry(
  referralIds: readonly string[],
  account: string | undefined,
  json: true | undefined,
) {
  return withRunContext(loadConfig(), async (context) => {
    printRun(json, context.place, await retryQuarantined(context, { referralIds, account }))
  })
}
