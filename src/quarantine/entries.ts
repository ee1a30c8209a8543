import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

/** One quarantined version of a referral, as stored in `etl.quarantine`. */
export interface QuarantineEntry {
  readonly account: string
  /** referral, or csv_row for the row of a file, which may have no id of a referral. */
  readonly resource_type: string
  readonly referral_id: string
  readonly version_no: number
  readonly reason_code: string
  readonly item_path: string
  readonly detail: string
  readonly attempts: number
  readonly first_run_id: number
  readonly last_run_id: number
  /** Run that loaded the referral later; `null` while it is in quarantine. */
  readonly resolved_run_id: number | null
}

export interface EntryFilter {
  /** Name of an account; all accounts when left out. */
  readonly account?: string | undefined
  readonly referralId?: string | undefined
  readonly openOnly: boolean
}

/** Returns the entries in order of account, referral and version. */
export function readEntries(
  query: Kysely<Database>,
  { account, referralId, openOnly }: EntryFilter,
): Promise<QuarantineEntry[]> {
  return query
    .selectFrom('etl.quarantine as entry')
    .innerJoin(
      'dw.dim_partner_account as account',
      'account.partner_account_key',
      'entry.partner_account_key',
    )
    .select([
      'account.account_code as account',
      'entry.resource_type',
      'entry.resource_id as referral_id',
      'entry.version_no',
      'entry.reason_code',
      'entry.item_path',
      'entry.detail',
      'entry.attempts',
      'entry.first_run_id',
      'entry.last_run_id',
      'entry.resolved_run_id',
    ])
    .where('entry.resource_type', 'in', ['referral', 'csv_row'])
    .$if(openOnly, (entries) => entries.where('entry.resolved_run_id', 'is', null))
    .$if(account !== undefined, (entries) =>
      entries.where('account.account_code', '=', account ?? ''),
    )
    .$if(referralId !== undefined, (entries) =>
      entries.where('entry.resource_id', '=', referralId ?? ''),
    )
    .orderBy('account.partner_account_key')
    .orderBy('entry.resource_id')
    .orderBy('entry.resource_type', 'desc')
    .orderBy('entry.version_no')
    .execute()
}

/** Returns the landed payload of an entry, without people and notes, which are not read here. */
export async function readPayload(
  query: Kysely<Database>,
  entry: Pick<QuarantineEntry, 'account' | 'resource_type' | 'referral_id' | 'version_no'>,
): Promise<unknown> {
  const landed = await query
    .selectFrom('raw.payload as landed')
    .innerJoin(
      'dw.dim_partner_account as account',
      'account.partner_account_key',
      'landed.partner_account_key',
    )
    .select('landed.payload')
    .where('account.account_code', '=', entry.account)
    .where('landed.resource_type', '=', entry.resource_type)
    .where('landed.resource_id', '=', entry.referral_id)
    .where('landed.version_no', '=', entry.version_no)
    .executeTakeFirst()
  return landed?.payload ?? null
}
