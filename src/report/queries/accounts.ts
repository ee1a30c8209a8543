import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** An account of the warehouse, and the source that it is read from. */
export interface AccountOverview {
  readonly account: string
  readonly tenant_id: string | null
  readonly organization_id: string | null
  /** Null until the first run of a version that records it. */
  readonly api_url: string | null
  readonly referrals: number
  readonly last_published_at: string | null
  readonly is_active: boolean
}

/** Returns every account of the warehouse in the order in which they were entered. */
export async function readAccounts(query: Kysely<Database>): Promise<AccountOverview[]> {
  const found = await sql<AccountOverview>`
    select account.account_code as account,
      coalesce(source.tenant_id, account.tenant_id) as tenant_id,
      source.organization_id, source.api_url,
      (select count(*) from dw.fact_referral fact
        where fact.partner_account_key = account.partner_account_key) as referrals,
      (select max(run.published_at) from etl.run
        where run.partner_account_key = account.partner_account_key
          and run.run_status = 'published') as last_published_at,
      account.is_active
    from dw.dim_partner_account account
    left join etl.account_source source using (partner_account_key)
    order by account.partner_account_key`.execute(query)
  return found.rows
}
