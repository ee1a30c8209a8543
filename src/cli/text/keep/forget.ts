import type { ForgottenAccount, Holdings } from '../../../pipeline/accounts/forget-account.ts'
import { formatCount, renderGrid } from '../grid.ts'

const contents: Readonly<Record<string, string>> = {
  raw: 'payloads as received',
  pii: 'people and free text',
  etl: 'runs, findings, quarantine, stored settings, rights of readers to the account',
  stg: 'staged rows',
  dw: 'facts, dimensions, history',
}

/** Renders what would be removed, before the question. */
export function renderHoldings(
  { account, rows, hasSignIn, inventedRates }: Holdings,
  place: string,
) {
  const sums = new Map<string, number>()
  for (const [table, count] of Object.entries(rows)) {
    const [schema = ''] = table.split('.')
    sums.set(schema, count + (sums.get(schema) ?? 0))
  }
  const lines = [...sums].map(([schema, sum]) => [
    schema,
    `${formatCount(sum)} ${sum === 1 ? 'row' : 'rows'}`,
    contents[schema] ?? '',
  ])
  const rates =
    inventedRates === 0 ? [] : [['rates', formatCount(inventedRates), 'invented by the demo']]
  const signIn = hasSignIn ? [['sign-in', 'stored', 'in COSELL_HOME']] : []
  return [
    `Account "${account}" in ${place}:`,
    '',
    renderGrid(['What', 'Size', 'Contents'], [...lines, ...rates, ...signIn]),
    '',
    'It is removed for good. What the API no longer has cannot be loaded again.',
  ].join('\n')
}

export function renderForgotten(result: ForgottenAccount): string {
  const { account, rows_deleted: rows, invented_rates_deleted: rates } = result
  return [
    `Account "${account}" is removed: ${formatCount(rows)} rows deleted.`,
    ...(result.is_sign_in_removed ? ['Its stored sign-in is removed.'] : []),
    ...(rates === 0 ? [] : [`${formatCount(rates)} invented exchange rates are removed.`]),
    ...(result.are_shared_values_kept
      ? ['Undocumented values that it alone may have used stay: another account was being loaded.']
      : []),
    ...(result.is_configured
      ? ['The settings still have the account: the next `cosell run` loads it again.']
      : []),
  ].join('\n')
}
