import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import type { Campaign } from './campaign-type.ts'

interface ClientAnswer {
  readonly version: string
  readonly rows: number
  /** Sum of the amount, then of an expression without a size where the client was asked. */
  readonly sums: readonly string[]
}

const script = fileURLToPath(new URL('python/clients.py', import.meta.url))

/** Each client of docs/bi, set up as its page says, reads every row and adds up as SQL does. */
export const campaign: Campaign = {
  name: 'clients',
  packages: [
    ['pandas', 'sqlalchemy', 'psycopg[binary]', 'adbc-driver-postgresql', 'pyarrow', 'polars'],
    // Ibis 12.0.0 imports packaging without asking for it.
    ['connectorx', 'ibis-framework[postgres]', 'packaging'],
    ['duckdb==1.5.5', 'duckdb-extension-postgres-scanner==1.5.5'],
    ['tableauhyperapi==0.0.26963'],
  ],
  async run({ folder, cosell, execute, program, warehouse }) {
    const lake = path.join(folder, 'lake')
    await cosell('export', lake, '--table', 'referral')
    const args = [script, warehouse.readerUrl, lake]
    const answer = await execute(program('python'), args)
    const clients: Readonly<Record<string, ClientAnswer>> = JSON.parse(answer)
    const { rows } = await sql<{ count: number; sums: readonly string[] }>`
      select
        count(*) as count,
        array[
          sum(deal_value_once_amount)::text,
          sum(deal_value_once_amount * 1.0000001)::text
        ] as sums
      from mart.referral`.execute(warehouse.query)
    const expected = rows[0] ?? { count: 0, sums: [] }
    const problems = Object.entries(clients).filter(
      ([, { rows: read, sums }]) =>
        read !== expected.count ||
        sums.some((sum, index) => !isSameNumber(sum, expected.sums[index] ?? '')),
    )
    if (problems.length > 0) {
      throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(problems)}`)
    }
    const names = Object.entries(clients).map(([name, { version }]) => `${name} ${version}`)
    return `${expected.count} rows add up to ${expected.sums[0]} in ${names.join(', ')}`
  },
}

/** Zeros at the end are no digits: connectorx writes ten decimals. */
function isSameNumber(a: string, b: string): boolean {
  const plain = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  return plain(a) === plain(b)
}
