import { CosellError } from '../../errors.ts'

/**
 * Returns the accounts of these names, in their own order; all of them when none is named.
 *
 * @throws CosellError `account.not_configured` when none of them has one of the names.
 */
export function chooseAccounts<A extends { readonly name: string }>(
  accounts: readonly A[],
  named: readonly string[] = [],
): readonly A[] {
  const unknown = named.filter((name) => !accounts.some((account) => account.name === name))
  if (unknown.length > 0) {
    const known = accounts.map(({ name }) => name).join(', ')
    const text = `--account: expected ${known}, got ${unknown.join(', ')}. Name accounts that are loaded.`
    throw new CosellError('account.not_configured', text)
  }
  return named.length === 0 ? accounts : accounts.filter(({ name }) => named.includes(name))
}
