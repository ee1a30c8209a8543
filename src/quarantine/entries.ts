import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

/** One version that could not be loaded, as `etl.quarantine` has it. */
export interface QuarantineEntry {
  readonly account: string
  readonly referral_id: string
  readonly version_no: number
  readonly reason_code: string
  readonly item_path: string
  readonly detail: string
  readonly attempts: number
  readonly first_run_id: number
  readonly last_run_id: number
  /** Run after which the referral loaded; `null` while it is held. */
  readonly resolved_run_id: number | null
}

export interface WantedEntries {
  /** Name of an account; every account when left out. */
  readonly account?: string | undefined
  readonly referralId?: string | undefined
  readonly openOnly: boolean
}

/** Entries by account, referral and version. */
export function listQuarantine(
  query: Kysely<Database>,
  { account, referralId, openOnly }: WantedEntries,
): Promise<QuarantineEntry[]> {
  return query
    .selectFrom('etl.quarantine as held')
    .innerJoin(
      'dw.dim_partner_account as account',
      'account.partner_account_key',
      'held.partner_account_key',
    )
    .select([
      'account.account_code as account',
      'held.resource_id as referral_id',
      'held.version_no',
      'held.reason_code',
      'held.item_path',
      'held.detail',
      'held.attempts',
      'held.first_run_id',
      'held.last_run_id',
      'held.resolved_run_id',
    ])
    .where('held.resource_type', '=', 'referral')
    .$if(openOnly, (entries) => entries.where('held.resolved_run_id', 'is', null))
    .$if(account !== undefined, (entries) =>
      entries.where('account.account_code', '=', account ?? ''),
    )
    .$if(referralId !== undefined, (entries) =>
      entries.where('held.resource_id', '=', referralId ?? ''),
    )
    .orderBy('account.partner_account_key')
    .orderBy('held.resource_id')
    .orderBy('held.version_no')
    .execute()
}

/** The landed JSON of an entry: the part without people and notes, the only one that is read here. */
export async function readHeldPayload(
  query: Kysely<Database>,
  entry: Pick<QuarantineEntry, 'account' | 'referral_id' | 'version_no'>,
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
    .where('landed.resource_type', '=', 'referral')
    .where('landed.resource_id', '=', entry.referral_id)
    .where('landed.version_no', '=', entry.version_no)
    .executeTakeFirst()
  return landed?.payload ?? null
}
