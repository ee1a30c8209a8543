import type { Version } from '../context.ts'
import type { Staged } from '../staged-rows.ts'
import { contactRows } from './contact.ts'
import type { Step } from './fact-solution-change.ts'

// Fills pii.contact_change.

type Contact = ReturnType<typeof contactRows>[number]

/** One row for each person who left or joined with a step, in one role. */
export function contactChangeRows(
  { accountKey, referralNo }: Version,
  steps: readonly Step[],
): Staged<'stg.contact_change'>[] {
  const rows: Staged<'stg.contact_change'>[] = []
  for (const { before, after, changedAt, observedAt } of steps) {
    const earlier = contactRows(before.version).filter(isKnown)
    const present = contactRows(after.version).filter(isKnown)
    const add = (is_joining: boolean) => (person: Contact) => {
      const { contact_role, first_name, last_name, email, phone_number, title } = person
      rows.push({
        partner_account_key: accountKey,
        referral_no: referralNo,
        change_no: rows.length + 1,
        contact_role,
        is_joining,
        changed_at: changedAt,
        observed_at: observedAt,
        first_name,
        last_name,
        email,
        phone_number,
        title,
        contact_hash: person.contact_hash,
      })
    }
    lackingIn(present, earlier).forEach(add(false))
    lackingIn(earlier, present).forEach(add(true))
  }
  return rows
}

/** Of erased people nobody tells one from another. */
function isKnown({ is_erased }: Contact): boolean {
  return !is_erased
}

/** Those of `people` who are not among `others`, each once. */
function lackingIn(others: readonly Contact[], people: readonly Contact[]): readonly Contact[] {
  const known = new Set(others.map(personOf))
  return people.filter((person) => {
    const key = personOf(person)
    if (known.has(key)) return false
    known.add(key)
    return true
  })
}

/** A person in a role: by e-mail or phone number, else by all that is known of them. */
function personOf(contact: Contact): string {
  const { contact_role, contact_hash, first_name, last_name, phone_number, title, extra } = contact
  return JSON.stringify([
    contact_role,
    contact_hash ?? [first_name, last_name, phone_number, title, extra],
  ])
}
