import { CosellError } from '../errors.ts'
import { checkAccountKnown, listAccounts } from '../load/runs/accounts.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

/** A referral as people name it. */
export interface ReferralRequest {
  readonly referralId: string
  /** Name of an account; needed when several have the referral. */
  readonly account?: string | undefined
}

export interface FoundReferral {
  readonly partner_account_key: number
  readonly account: string
  readonly referral_key: number
  readonly referral_id: string
}

/**
 * Finds a referral that the role of the connection may see.
 *
 * @throws CosellError `account.unknown`; `explain.unknown_referral` when no account has it, or none that
 * the role sees; `explain.which_account` when several have it and none is named.
 */
export async function findReferral(
  query: Kysely<Database>,
  { referralId, account }: ReferralRequest,
): Promise<FoundReferral> {
  checkAccountKnown(account, await listAccounts(query))
  const found = await query
    .selectFrom('dw.dim_referral as referral')
    .innerJoin(
      'dw.dim_partner_account as account',
      'account.partner_account_key',
      'referral.partner_account_key',
    )
    .select([
      'referral.partner_account_key',
      'account.account_code as account',
      'referral.referral_key',
      'referral.referral_id',
    ])
    .where('referral.referral_id', '=', referralId)
    .$if(account !== undefined, (referrals) =>
      referrals.where('account.account_code', '=', account ?? ''),
    )
    .orderBy('referral.partner_account_key')
    .execute()
  const [first, ...others] = found
  if (first === undefined) throw unknown(referralId, account)
  if (others.length === 0) return first
  const names = found.map((one) => one.account).join(' and ')
  const text = `explain: ${names} both have ${referralId}; choose one with --account.`
  throw new CosellError('explain.which_account', text)
}

function unknown(referralId: string, account: string | undefined): CosellError {
  const where = account === undefined ? 'the warehouse' : `account ${account}`
  const text =
    `explain: expected the id of a referral that is loaded, got "${referralId}", which ${where} does not ` +
    'have. `select referral_id, referral_name from mart.referral` lists them; one that was never ' +
    'loaded may be in `cosell quarantine list`.'
  return new CosellError('explain.unknown_referral', text)
}
