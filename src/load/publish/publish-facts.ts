import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { type Database, tables } from '../../warehouse/tables.generated.ts'
import {
  deleteVanished,
  type Publication,
  type RowsWritten,
  sharedColumns,
  type UpsertPlan,
  upsertChanged,
} from './upsert.ts'

/** Everything that hangs on a referral: replaced as a whole whenever the referral changes. */
export const children = [
  { target: 'dw.fact_referral', stage: 'stg.fact_referral' },
  { target: 'dw.fact_referral_history', stage: 'stg.fact_referral_history' },
  { target: 'dw.fact_referral_solution', stage: 'stg.fact_referral_solution' },
  { target: 'dw.fact_registration', stage: 'stg.fact_registration' },
  { target: 'dw.fact_registration_solution', stage: 'stg.fact_registration_solution' },
  { target: 'dw.fact_acv_schedule', stage: 'stg.fact_acv_schedule' },
  { target: 'dw.fact_registration_eligibility', stage: 'stg.fact_registration_eligibility' },
  { target: 'dw.bridge_referral_tag', stage: 'stg.bridge_referral_tag' },
  { target: 'dw.bridge_line_incentive', stage: 'stg.bridge_line_incentive' },
  { target: 'pii.contact', stage: 'stg.contact' },
  { target: 'pii.referral_text', stage: 'stg.referral_text' },
] as const

type Child = (typeof children)[number]

/** Brings the facts, bridges and people of the staged referrals to what is staged. */
export async function publishChildren(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten[]> {
  const written: RowsWritten[] = []
  for (const child of children) {
    const plan = planChild(child, publication)
    const deleted = await deleteVanished(transaction, plan, publication)
    written.push({ ...(await upsertChanged(transaction, plan, publication)), deleted })
  }
  return written
}

/** A surrogate of a target: how it is found from the natural key that is staged. */
interface Surrogate {
  readonly column: string
  readonly stagedAs: string
  readonly value: RawBuilder<unknown>
  readonly join: RawBuilder<unknown>
}

const surrogates: readonly Surrogate[] = [
  {
    column: 'customer_key',
    stagedAs: 'profile_hash',
    value: sql.ref('customer.customer_key'),
    join: sql`join dw.dim_customer customer
      on customer.partner_account_key = s.partner_account_key
      and customer.profile_hash = s.profile_hash`,
  },
  {
    column: 'status_key',
    stagedAs: 'referral_status',
    value: sql.ref('status.status_key'),
    join: sql`join dw.dim_status status
      on status.referral_status = s.referral_status
      and status.referral_substatus = s.referral_substatus`,
  },
  {
    column: 'previous_status_key',
    stagedAs: 'previous_referral_status',
    value: sql.ref('previous_status.status_key'),
    join: sql`left join dw.dim_status previous_status
      on previous_status.referral_status = s.previous_referral_status
      and previous_status.referral_substatus = s.previous_referral_substatus`,
  },
  {
    column: 'solution_key',
    stagedAs: 'solution_id',
    value: sql.ref('solution.solution_key'),
    join: sql`join dw.dim_solution solution
      on solution.partner_account_key = s.partner_account_key
      and solution.item_kind = s.item_kind
      and solution.solution_id = s.solution_id`,
  },
  {
    column: 'tag_key',
    stagedAs: 'tag_id',
    value: sql.ref('tag.tag_key'),
    join: sql`join dw.dim_tag tag
      on tag.partner_account_key = s.partner_account_key
      and tag.tag_group = s.tag_group
      and tag.tag_type = s.tag_type
      and tag.tag_id = s.tag_id`,
  },
]

function planChild({ target, stage }: Child, publication: Publication): UpsertPlan {
  const staged: readonly string[] = tables[stage].columns
  const wanted: readonly string[] = tables[target].columns
  const found = surrogates.filter(
    ({ column, stagedAs }) => wanted.includes(column) && staged.includes(stagedAs),
  )
  const values = sharedColumns(target, stage, publication)
  values.set('referral_key', sql.ref('k.referral_key'))
  if (wanted.includes('customer_key')) values.set('customer_key', sql.ref('k.customer_key'))
  for (const { column, value } of found) values.set(column, value)
  const keys = sql`join stg.referral_key k
    on k.partner_account_key = s.partner_account_key and k.referral_no = s.referral_no`
  const key: readonly string[] = tables[target].key
  const ofKey = found.filter(({ column }) => key.includes(column))
  return {
    target,
    stage,
    key,
    values,
    joins: [keys, ...found.map(({ join }) => join)],
    keyJoins: [keys, ...ofKey.map(({ join }) => join)],
  }
}
