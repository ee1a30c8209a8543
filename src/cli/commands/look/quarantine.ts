import { loadConfig } from '../../../config.ts'
import { diffRetry } from '../../../pipeline/diff/diff.ts'
import { retryQuarantined } from '../../../pipeline/rebuild.ts'
import {
  listOpenEntries,
  quarantineUsageError,
  showEntries,
} from '../../../quarantine/list-and-show.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderEntries, renderEntry } from '../../text/quarantine.ts'
import {
  type LoadContext,
  printDifference,
  printRun,
  withRunContext,
  withWarehouse,
} from '../../with-warehouse.ts'

export type QuarantineFlags = JsonFlag & { readonly account?: string; readonly diff?: true }

/** Lists, shows or retries the referrals that could not be loaded, or tells what a retry would change. */
export async function quarantine(
  action: string,
  referralIds: readonly string[],
  flags: QuarantineFlags,
) {
  const { json, account, diff } = flags
  if (action === 'retry') return retry(referralIds, flags)
  if (diff) throw quarantineUsageError(`${action} takes no --diff; retry does.`)
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

function retry(referralIds: readonly string[], { json, account, diff }: QuarantineFlags) {
  const request = { referralIds, account }
  const use = async (context: LoadContext) => {
    if (diff) printDifference(json, context.place, await diffRetry(context, request))
    else await printRun(json, context.place, retryQuarantined(context, request))
  }
  const watched = { command: 'quarantine' } as const
  return withRunContext(loadConfig(), use, diff ? { isTrial: true } : { watched })
}
