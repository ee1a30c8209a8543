import type { Fault } from './problem.ts'

/** Value as the JSON of a referral holds it; amounts are decimals as text. */
export type Json = string | boolean | readonly Json[] | { readonly [name: string]: Json }

/**
 * Cell as read: `text` is the same in whatever form it was written. `value` is what the referral
 * gets; null when nothing of it is one. A fault may leave a part of a packed cell readable.
 */
export interface ReadCell {
  readonly text: string
  readonly value: Json | null
  readonly fault: Fault | null
}

/** Cell as read; one whose text is its value is the text alone, as most are. */
export type CellResult = string | ReadCell
