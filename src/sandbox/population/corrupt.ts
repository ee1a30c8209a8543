import type { Referral } from '../referral.ts'
import { at } from './random.ts'

/** Ways in which a referral cannot be read; each leaves `id` alone, so that it can be named. */
const ways: readonly ((referral: Referral) => Record<string, unknown>)[] = [
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

/** What the API would answer for this referral after accident `number`; the kinds take turns. */
export function breakReferral(referral: Referral, number: number): Record<string, unknown> {
  return at(ways, number % ways.length)(referral)
}
