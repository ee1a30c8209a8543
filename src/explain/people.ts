import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { PeopleShown } from './explanation.ts'
import type { FoundReferral } from './find-referral.ts'

/** Reads the contacts and notes of a referral. */
export async function readPeople(
  query: Kysely<Database>,
  { partner_account_key, referral_key }: FoundReferral,
): Promise<PeopleShown> {
  const contacts = await query
    .selectFrom('pii.contact')
    .select(['contact_role', 'first_name', 'last_name', 'title', 'email', 'phone_number'])
    .where('partner_account_key', '=', partner_account_key)
    .where('referral_key', '=', referral_key)
    .orderBy('contact_role')
    .orderBy('contact_no')
    .execute()
  const texts = await query
    .selectFrom('pii.referral_text')
    .select(['details_notes', 'invite_notes'])
    .where('partner_account_key', '=', partner_account_key)
    .where('referral_key', '=', referral_key)
    .executeTakeFirst()
  return { contacts, texts: texts ?? { details_notes: null, invite_notes: null } }
}
