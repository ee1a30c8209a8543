import { sql } from 'kysely'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { absence, differenceOf, type ReferralKey } from './compare-star.ts'
import type {
  Comparison,
  ConversionExplained,
  DealExplained,
  Difference,
  RegistrationExplained,
} from './explanation.ts'

interface MartAmount {
  /** Mart and column. */
  readonly column: string
  /** As `registration_no 1, line_no 2`; empty for the referral. */
  readonly row: string
  readonly amount: string | null
}

/**
 * Compares amounts in the reporting currency with those of the marts. Open referrals that are missing
 * at the source are not in `mart.referral`, so their deal is not compared.
 */
export async function compareMarts(
  query: Kysely<Database>,
  key: ReferralKey,
  deal: DealExplained,
  registrations: readonly RegistrationExplained[],
): Promise<Comparison> {
  const stored = await readMarts(query, key)
  const known = new Map(stored.map((amount) => [`${amount.column} ${amount.row}`, amount]))
  const lacking = new Set<string>()
  let values = 0
  const differences = expectedAmounts(deal, registrations).flatMap(({ column, row, amount }) => {
    const found = known.get(`${column} ${row}`)
    const [table, name] = [column.slice(0, column.lastIndexOf('.')), column.split('.').at(-1) ?? '']
    if (found === undefined) return row === '' ? [] : lackOf(table, row, lacking)
    values += 1
    return differenceOf({
      table,
      row,
      column: name,
      expected: fourDecimals(amount),
      warehouse: found.amount,
    })
  })
  return { rows: 0, values, differences }
}

/** A row that a mart lacks is one difference, however many amounts it should have. */
function lackOf(table: string, row: string, reported: Set<string>): Difference[] {
  const place = `${table} of ${row}`
  if (reported.has(place)) return []
  reported.add(place)
  return [absence(table, row)]
}

function expectedAmounts(
  deal: DealExplained,
  registrations: readonly RegistrationExplained[],
): MartAmount[] {
  const of = ({ amounts }: ConversionExplained, rowOf: (index: number) => string) =>
    amounts.map(({ column, reporting_amount: amount }, index) => ({
      column,
      row: rowOf(index),
      amount,
    }))
  return [
    ...of(deal.conversion, () => ''),
    ...registrations.flatMap(({ registration_no: no, conversion, lines }) => [
      // The first amount is that of the contract, the others are those of its lines.
      ...of(conversion, (index) => {
        const line = lines[index - 1]
        return line === undefined ? ofRegistration(no) : ofRegistrationLine(no, line.line_no)
      }),
      ...lines.flatMap((line) => of(line.conversion, () => ofRegistrationLine(no, line.line_no))),
    ]),
  ]
}

const ofRegistration = (no: number) => `registration_no ${no}`
const ofRegistrationLine = (no: number, line: number) => `registration_no ${no}, line_no ${line}`

async function readMarts(
  query: Kysely<Database>,
  { partner_account_key, referral_key }: ReferralKey,
): Promise<MartAmount[]> {
  const isWanted = sql`partner_account_key = ${partner_account_key} and referral_key = ${referral_key}`
  const line = sql`'registration_no ' || registration_no || ', line_no ' || line_no`
  const { rows } = await sql<MartAmount>`
    select
      'mart.referral.deal_value_reporting_amount' as column,
      '' as row,
      deal_value_reporting_amount::text as amount
    from mart.referral where ${isWanted}
    union all
    select
      'mart.registration.contract_acv_reporting_amount',
      'registration_no ' || registration_no,
      contract_acv_reporting_amount::text
    from mart.registration where ${isWanted}
    union all
    select
      'mart.acv_line.contract_acv_reporting_amount', ${line}, contract_acv_reporting_amount::text
    from mart.acv_line where ${isWanted}
    union all
    select
      'mart.acv_line.solution_acv_reporting_amount', ${line}, solution_acv_reporting_amount::text
    from mart.acv_line where ${isWanted}`.execute(query)
  return rows
}

/** As PostgreSQL writes `numeric(19, 4)`. */
function fourDecimals(amount: string | null): string | null {
  if (amount === null) return null
  const [whole = '0', fraction = ''] = amount.split('.')
  return `${whole}.${fraction.padEnd(4, '0')}`
}
