import type { Database } from '../warehouse/tables.generated.ts'

/** Tables filled by the extract and publish steps, not by the transform. */
type NotTransformed = 'stg.listed_referral' | 'stg.referral_key'
type StagedTable = Exclude<Extract<keyof Database, `stg.${string}`>, NotTransformed>

/**
 * A row for COPY; the loader hashes its text. Its type follows from the migrated schema, so a new
 * column is an error here until a file of `rows/` fills it.
 */
export type Staged<Table extends keyof Database> = Omit<Database[Table], 'row_hash'>
export type StagedRows = { [Table in StagedTable]: Staged<Table>[] }

/** Replaces a missing value where a column takes no null. */
export const notProvided = '(Not provided)'
/** ISO 4217 for "no currency". */
export const noCurrency = 'XXX'

export function noRows(): StagedRows {
  return {
    'stg.dim_referral': [],
    'stg.dim_customer': [],
    'stg.dim_solution': [],
    'stg.dim_tag': [],
    'stg.dim_seller': [],
    'stg.fact_referral': [],
    'stg.fact_referral_history': [],
    'stg.fact_referral_solution': [],
    'stg.fact_registration': [],
    'stg.fact_registration_review': [],
    'stg.fact_registration_solution': [],
    'stg.fact_acv_schedule': [],
    'stg.fact_registration_eligibility': [],
    'stg.fact_microsoft_acv': [],
    'stg.fact_solution_change': [],
    'stg.bridge_referral_tag': [],
    'stg.bridge_referral_seller': [],
    'stg.bridge_line_incentive': [],
    'stg.contact': [],
    'stg.contact_change': [],
    'stg.referral_text': [],
    'stg.dq_finding': [],
    'stg.enum_value': [],
    'stg.quarantine': [],
  }
}

/** The rows of a map in the order of their keys. */
export function inKeyOrder<Row>(byKey: ReadonlyMap<string, Row>): Row[] {
  if (byKey.size < 2) return [...byKey.values()]
  const rows: Row[] = []
  for (const key of [...byKey.keys()].sort()) {
    const row = byKey.get(key)
    if (row !== undefined) rows.push(row)
  }
  return rows
}
