import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { AcvConvention, AcvReason, MicrosoftAcv } from '../report-data.ts'
import { type AccountChoice, allAccounts, ofAccount } from './choice.ts'

const conventionsShown = 5

/**
 * Reads how Microsoft's annual contract value compares with ours; null when no download with it was
 * imported.
 */
export async function readMicrosoftAcv(
  query: Kysely<Database>,
  choice: AccountChoice = allAccounts,
): Promise<MicrosoftAcv | null> {
  const isOfAccount = ofAccount(choice, 'acv')
  const { rows } = await sql<Omit<MicrosoftAcv, 'reasons' | 'conventions'>>`
    select max(as_of_date) as as_of_date,
      count(*) filter (where microsoft_acv_amount is not null) as figure_count,
      count(*) filter (where is_within_minor_unit) as agreeing_count
    from mart.acv_reconciliation acv
    where file_currency_code is not null and ${isOfAccount}
    having count(*) > 0`.execute(query)
  const [total] = rows
  if (total === undefined) return null
  const reasons = await sql<AcvReason>`
    select reason, count(*) as registration_count
    from mart.acv_reconciliation acv
    where reason is not null and ${isOfAccount} and partner_account_key in (
      select partner_account_key from mart.acv_reconciliation where file_currency_code is not null)
    group by reason
    order by count(*) desc, reason`.execute(query)
  const conventions = await sql<AcvConvention>`
    select convention_name, sum(registration_count)::integer as registration_count,
      sum(reproduced_count)::integer as reproduced_count,
      sum(telling_count)::integer as telling_count, is_ours
    from mart.acv_convention acv
    where ${isOfAccount}
    group by convention_name, is_ours
    order by sum(reproduced_count) desc, is_ours desc, convention_name
    limit ${conventionsShown}`.execute(query)
  return { ...total, reasons: reasons.rows, conventions: conventions.rows }
}
