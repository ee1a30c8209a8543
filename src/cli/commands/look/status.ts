import { type Config, loadConfig } from '../../../config.ts'
import { readSignIns } from '../../../doctor/sign-in-age.ts'
import { readStatus } from '../../../report/queries/status.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderStatus } from '../../text/status.ts'
import { withWarehouse } from '../../with-warehouse.ts'

/** Prints the overview of the accounts. */
export function showStatus({ json }: JsonFlag) {
  const show = async ({ query }: OpenWarehouse, _: unknown, inForce: Config) => {
    const accounts = await readStatus(query, await readSignIns(inForce, query, Date.now()))
    printAnswer(json, { status: 'ok', accounts }, (style) => renderStatus(accounts, style))
  }
  return withWarehouse(loadConfig(), show, { isWriting: false, needsAccounts: true })
}
