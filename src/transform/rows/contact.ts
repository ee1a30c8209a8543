import type { Version } from '../context.ts'
import type { ReadPerson } from '../parse/properties.ts'
import { digitsOf, markOf } from '../pii/erased.ts'
import type { Staged } from '../staged-rows.ts'
import { compareText } from '../values/text.ts'

// Fills pii.contact and pii.referral_text.

type ContactRow = Staged<'stg.contact'>

/** The customer's people and the partner's own, in an order that does not depend on the API's. */
export function contactRows(version: Version): ContactRow[] {
  const { referral } = version
  const rows: ContactRow[] = []
  addRole(rows, version, 'customer', referral.customerProfile?.team ?? [])
  addRole(rows, version, 'referral_team', referral.team)
  return rows
}

function addRole(
  rows: ContactRow[],
  { accountKey, referralNo, context }: Version,
  role: 'customer' | 'referral_team',
  people: readonly ReadPerson[],
): void {
  let contactNo = 0
  for (const person of ordered(people)) {
    contactNo++
    const key = hashedKey(person)
    const mark = markOf(person.extra)
    rows.push({
      partner_account_key: accountKey,
      referral_no: referralNo,
      contact_role: role,
      contact_no: contactNo,
      first_name: person.firstName,
      last_name: person.lastName,
      phone_number: person.phoneNumber,
      email: person.email,
      title: person.title,
      extra: person.extra === null || mark !== null ? null : JSON.stringify(person.extra),
      contact_hash: key === null ? null : context.hmac(key),
      locale: person.contactPreference?.locale ?? null,
      disable_notifications: person.contactPreference?.disableNotifications ?? null,
      is_erased: mark !== null,
      erased_at: mark?.at ?? null,
    })
  }
}

function ordered(people: readonly ReadPerson[]): readonly ReadPerson[] {
  const known = people.filter(hasContent)
  if (known.length < 2) return known
  const keyed = known.map((person) => ({ person, key: orderKey(person) }))
  return keyed.sort((left, right) => compareText(left.key, right.key)).map(({ person }) => person)
}

function hasContent(person: ReadPerson): boolean {
  const { email, firstName, lastName, phoneNumber, title, extra } = person
  return (email ?? firstName ?? lastName ?? phoneNumber ?? title ?? extra) !== null
}

function orderKey(person: ReadPerson): string {
  const { email, lastName, firstName, phoneNumber, title, contactPreference, extra } = person
  const parts = [email?.toLowerCase(), lastName, firstName, phoneNumber, title, email]
  const preference = [contactPreference?.locale, contactPreference?.disableNotifications]
  return [...parts, ...preference, extra === null ? '' : JSON.stringify(extra)].join('\u001f')
}

/**
 * Text that identifies a person again after an erasure: the e-mail address, else the phone number.
 */
export function hashedKey({ email, phoneNumber }: ReadPerson): string | null {
  if (email !== null) return email.toLowerCase()
  const digits = digitsOf(phoneNumber ?? '')
  return digits === '' ? null : digits
}

/** The notes, when there are any: free text that may name a person. */
export function textRow({
  accountKey,
  referralNo,
  referral,
}: Version): Staged<'stg.referral_text'> | null {
  const detailsNotes = referral.details?.notes ?? null
  const inviteNotes = referral.inviteContext?.notes ?? null
  if (detailsNotes === null && inviteNotes === null) return null
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    details_notes: detailsNotes,
    invite_notes: inviteNotes,
  }
}
