import { loadConfig, parseAccountName } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { renameStoredAccount } from '../../../pipeline/accounts/rename-account.ts'
import { readAccounts } from '../../../report/queries/accounts.ts'
import { type JsonFlag, printAnswer, printResult } from '../../output.ts'
import { renderAccounts, renderRenamed } from '../../text/accounts.ts'
import { withRunContext, withWarehouse } from '../../with-warehouse.ts'

/** Lists the accounts of the warehouse, or renames one. */
export async function account(action: string, names: readonly string[], { json }: JsonFlag) {
  const config = loadConfig()
  if (action === 'list') {
    if (names.length > 0) throw usageError('list takes no name.')
    const configured = new Set(config.accounts.map(({ name }) => name))
    await withWarehouse(config, async ({ query }) => {
      const accounts = (await readAccounts(query)).map((one) => ({
        ...one,
        is_configured: configured.has(one.account),
      }))
      printAnswer(json, { status: 'ok', accounts }, (style) => renderAccounts(accounts, style))
    })
    return
  }
  const [from, to, ...more] = names
  if (from === undefined || to === undefined || more.length > 0) {
    throw usageError(
      `rename takes two names, the present one and the new one; got ${names.length}.`,
    )
  }
  const name = parseAccountName(to)
  if (name === undefined) {
    const text = `The new name: expected up to 63 letters, digits, ".", "_", "-", got "${to}". Give another name.`
    throw new CosellError('account.name', text)
  }
  await withRunContext(config, async (context) => {
    const renamed = await renameStoredAccount(context, from, name)
    printResult(json, renamed, () => renderRenamed(renamed))
  })
}

function usageError(text: string): CosellError {
  return new CosellError('account.usage', `cosell account: ${text}`)
}
