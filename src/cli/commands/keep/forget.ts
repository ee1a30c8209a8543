import { loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import {
  findHoldings,
  forgetAccount,
  type Holdings,
} from '../../../pipeline/accounts/forget-account.ts'
import { askYesNo, canAsk } from '../../ask.ts'
import { type JsonFlag, log, printNotice, printResult } from '../../output.ts'
import { renderForgotten, renderHoldings } from '../../text/keep/forget.ts'
import { withRunContext } from '../../with-warehouse.ts'

export type ForgetFlags = JsonFlag & { readonly account: string; readonly yes?: true }

/** Removes an account, once the answer is yes. */
export function forget({ account, yes, json }: ForgetFlags) {
  return withRunContext(loadConfig(), async (context) => {
    const holdings = await findHoldings(context, account)
    if (!yes) await confirm(holdings, context.place, json)
    const result = await forgetAccount(context, holdings)
    printResult(json, result, () => renderForgotten(result))
  })
}

/** Shows what would be removed and asks. @throws CosellError `usage` unless the answer is yes. */
async function confirm(holdings: Holdings, place: string, json: true | undefined) {
  log.end()
  printNotice(renderHoldings(holdings, place))
  const { account } = holdings
  if (json || !canAsk()) {
    const why = json ? 'with --json nothing is asked' : 'there is no terminal to ask on'
    const text =
      `cosell forget: expected --yes, since ${why}; nothing was removed. Add --yes to remove account ` +
      `"${account}".`
    throw new CosellError('forget.not_confirmed', text)
  }
  if (await askYesNo(`Remove account "${account}"?`)) return
  throw new CosellError('forget.declined', `Account "${account}" is kept: nothing was removed.`)
}
