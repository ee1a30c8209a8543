import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import {
  findHoldings,
  forgetAccount,
  type Holdings,
} from '../../../pipeline/accounts/forget-account.ts'
import { askYesNo, canAsk } from '../../ask.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, log, printNotice, printResult } from '../../output.ts'
import { renderForgotten, renderHoldings } from '../../text/forget.ts'
import { withRunContext } from '../../with-warehouse.ts'

type ForgetFlags = JsonFlag & { readonly account: string; readonly yes?: true }

/** Adds the command that removes an account. */
export function addForget(program: Command) {
  addCommand(program, 'forget', 'Remove an account whole: its rows, people and stored sign-in.')
    .requiredOption('--account <name>', 'the account to remove')
    .option('--yes', 'remove without asking')
    .addHelpText(
      'after',
      examples('cosell forget --account demo', 'cosell forget --account contoso --yes --json'),
    )
    .addHelpText('after', forgetHelp)
    .action(forget)
}

const forgetHelp = `

It says what it will remove and asks. It takes a login that owns the tables, and ends with 4 while
a run of the account is under way. Readers see the account whole until it is gone.`

function forget({ account, yes, json }: ForgetFlags) {
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
