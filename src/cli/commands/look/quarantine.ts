import { loadConfig } from '../../../config.ts'
import { retryQuarantined } from '../../../pipeline/rebuild.ts'
import {
  listOpenEntries,
  quarantineUsageError,
  showEntries,
} from '../../../quarantine/list-and-show.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderEntries, renderEntry } from '../../text/quarantine.ts'
import { type LoadContext, printRun, withRunContext, withWarehouse } from '../../with-warehouse.ts'

export type QuarantineFlags = JsonFlag & { readonly account?: string }

/** Lists, shows or retries the referrals that could not be loaded. */
export async function quarantine(
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
  const use = async (context: LoadContext) => {
    printRun(json, context.place, await retryQuarantined(context, { referralIds, account }))
  }
  return withRunContext(loadConfig(), use, { watched: { command: 'quarantine' } })
}
