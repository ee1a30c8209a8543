import { type TableName, tables } from '../../warehouse/tables.generated.ts'
import type { RowFormat } from '../copy/copy-format.ts'

export type StageTable = Extract<TableName, `stg.${string}`>
/** Rows of one referral, or of several, by the staging table that they belong to. */
export type StagedBatch = { readonly [T in StageTable]?: readonly object[] }

export const stageTables = Object.keys(tables).filter((name): name is StageTable =>
  name.startsWith('stg.'),
)

/** Facts, bridges and people of a referral: replaced as a whole whenever the referral changes. */
export const referralTables = [
  { target: 'dw.fact_referral', stage: 'stg.fact_referral' },
  { target: 'dw.fact_referral_history', stage: 'stg.fact_referral_history' },
  { target: 'dw.fact_referral_solution', stage: 'stg.fact_referral_solution' },
  { target: 'dw.fact_registration', stage: 'stg.fact_registration' },
  { target: 'dw.fact_registration_review', stage: 'stg.fact_registration_review' },
  { target: 'dw.fact_registration_solution', stage: 'stg.fact_registration_solution' },
  { target: 'dw.fact_acv_schedule', stage: 'stg.fact_acv_schedule' },
  { target: 'dw.fact_registration_eligibility', stage: 'stg.fact_registration_eligibility' },
  { target: 'dw.fact_microsoft_acv', stage: 'stg.fact_microsoft_acv' },
  { target: 'dw.fact_solution_change', stage: 'stg.fact_solution_change' },
  { target: 'dw.bridge_referral_tag', stage: 'stg.bridge_referral_tag' },
  { target: 'dw.bridge_referral_seller', stage: 'stg.bridge_referral_seller' },
  { target: 'dw.bridge_line_incentive', stage: 'stg.bridge_line_incentive' },
  { target: 'pii.contact', stage: 'stg.contact' },
  { target: 'pii.contact_change', stage: 'stg.contact_change' },
  { target: 'pii.referral_text', stage: 'stg.referral_text' },
] as const

/**
 * Tables with a staging twin, in the order of their foreign keys: a referenced table comes first.
 */
export const publishedTables = [
  { target: 'dw.dim_customer', stage: 'stg.dim_customer' },
  { target: 'dw.dim_solution', stage: 'stg.dim_solution' },
  { target: 'dw.dim_tag', stage: 'stg.dim_tag' },
  { target: 'dw.dim_seller', stage: 'stg.dim_seller' },
  { target: 'dw.dim_referral', stage: 'stg.dim_referral' },
  ...referralTables,
] as const

export type PublishedTable = (typeof publishedTables)[number]['target']

/** Row of a dimension, by the natural key that is staged in place of its surrogate key. */
export interface Surrogate {
  readonly dimension: TableName
  readonly key: string
  /** Staged column to the column of the dimension that it is compared with. */
  readonly natural: Readonly<Record<string, string>>
  /** Staged rows may be without one. */
  readonly isOptional?: true
}

/**
 * Surrogate keys of the published tables by column. All but `referral_key`, which a row has by the
 * number of its referral in `stg.referral_key`, as it has `customer_key` when no profile is staged.
 */
export const surrogates = {
  customer_key: {
    dimension: 'dw.dim_customer',
    key: 'customer_key',
    natural: { profile_hash: 'profile_hash' },
  },
  status_key: {
    dimension: 'dw.dim_status',
    key: 'status_key',
    natural: { referral_status: 'referral_status', referral_substatus: 'referral_substatus' },
  },
  previous_status_key: {
    dimension: 'dw.dim_status',
    key: 'status_key',
    natural: {
      previous_referral_status: 'referral_status',
      previous_referral_substatus: 'referral_substatus',
    },
    isOptional: true,
  },
  solution_key: {
    dimension: 'dw.dim_solution',
    key: 'solution_key',
    natural: { item_kind: 'item_kind', solution_id: 'solution_id' },
  },
  tag_key: {
    dimension: 'dw.dim_tag',
    key: 'tag_key',
    natural: { tag_group: 'tag_group', tag_type: 'tag_type', tag_id: 'tag_id' },
  },
  seller_key: {
    dimension: 'dw.dim_seller',
    key: 'seller_key',
    natural: { seller_hash: 'seller_hash' },
  },
} as const satisfies Record<string, Surrogate>

export type SurrogateColumn = keyof typeof surrogates | 'referral_key'

/** Surrogate columns of a published table, its own key too, in their order. */
export function surrogatesOf(table: PublishedTable): SurrogateColumn[] {
  const columns: readonly string[] = tables[table].columns
  return columns.filter(
    (column): column is SurrogateColumn => column === 'referral_key' || column in surrogates,
  )
}

/**
 * Staging tables with rows of referrals, but for `stg.quarantine`, which has the reason for a
 * referral without rows.
 */
export const referralStageTables = stageTables.filter(
  (name) =>
    name !== 'stg.quarantine' &&
    (tables[name].columns as readonly string[]).includes('referral_no'),
)

/**
 * Account, number of the referral in its batch, and the value that the source changes on every
 * write. Staged lines begin with them, in this order.
 */
const neverHashed = new Set(['partner_account_key', 'referral_no', 'etag'])

const formats = new Map<StageTable, RowFormat>()

export function formatOf(table: StageTable): RowFormat {
  const known = formats.get(table)
  if (known !== undefined) return known
  const columns: readonly string[] = tables[table].columns
  const hashed = columns.filter((column) => !neverHashed.has(column) && column !== 'row_hash')
  const target = targetOf(table)
  const isShared = (column: string) =>
    target === undefined || (tables[target].columns as readonly string[]).includes(column)
  const format = {
    unhashed: [...neverHashed].filter((column) => columns.includes(column)),
    natural: hashed.filter((column) => !isShared(column)),
    shared: hashed.filter(isShared),
    hasRowHash: columns.includes('row_hash'),
  }
  formats.set(table, format)
  return format
}

/** Published table that a staging table is the twin of; undefined when it has none. */
function targetOf(table: StageTable): PublishedTable | undefined {
  return publishedTables.find(({ stage }) => stage === table)?.target
}
