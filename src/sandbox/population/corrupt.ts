import { at } from '../random.ts'
import type { Referral } from '../referral.ts'

/** Ways to make a referral unreadable; each keeps `id`, so that messages can name it. */
const corruptions: readonly ((referral: Referral) => Record<string, unknown>)[] = [
  (whole) => ({ ...whole, createdDateTime: { dateTime: whole.createdDateTime } }),
  (whole) => ({ ...whole, details: { ...whole.details, dealValue: '12,5' } }),
  (whole) => ({ ...whole, registrations: 'see attachment' }),
  (whole) => ({ ...whole, createdDateTime: '2024-02-30T10:00:00Z' }),
  (whole) => ({ ...whole, status: 3 }),
  (whole) => ({ ...whole, customerProfile: ['unexpected', 'list'] }),
  (whole) => ({ ...whole, details: { ...whole.details, requirements: { solutions: {} } } }),
  (whole) => ({ ...whole, details: { ...whole.details, dealValue: { amount: 5, scale: 2 } } }),
  (whole) => ({ ...whole, createdDateTime: null }),
  (whole) => ({ ...whole, team: 'everybody' }),
]

/** Returns the referral as an unreadable payload; `number` selects the corruption in turn. */
export function corruptReferral(referral: Referral, number: number): Record<string, unknown> {
  return at(corruptions, number % corruptions.length)(referral)
}
