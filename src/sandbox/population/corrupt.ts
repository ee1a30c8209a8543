import { at } from '../random.ts'
import type { Referral } from '../referral.ts'

/**
 * Ways to make a referral unreadable: what says when it began, or how it stands, is no such value. Each
 * keeps `id`, so that messages can name it. Any other odd value costs a referral only that value.
 */
const corruptions: readonly ((referral: Referral) => Record<string, unknown>)[] = [
  (whole) => ({ ...whole, createdDateTime: { dateTime: whole.createdDateTime } }),
  (whole) => ({ ...whole, status: 3 }),
  (whole) => ({ ...whole, createdDateTime: '2024-02-30T10:00:00Z' }),
  (whole) => ({ ...whole, status: null }),
  (whole) => ({ ...whole, createdDateTime: '3 October' }),
  (whole) => ({ ...whole, status: { value: whole.status } }),
  (whole) => ({ ...whole, createdDateTime: null }),
  (whole) => ({ ...whole, status: [whole.status] }),
  (whole) => ({ ...whole, createdDateTime: 1_709_200_800 }),
  (whole) => ({ ...whole, status: true }),
]

/** Returns the referral as an unreadable payload; `number` selects the corruption in turn. */
export function corruptReferral(referral: Referral, number: number): Record<string, unknown> {
  return at(corruptions, number % corruptions.length)(referral)
}
