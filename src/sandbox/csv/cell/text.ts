import type { Member, SolutionTag, WireDecimal } from '../../referral.ts'

/** Returns a property as a cell; null and absent become an empty one. */
export function text(value: unknown): string {
  return value == null ? '' : String(value)
}

/** Returns the text of an amount, never rounded; an empty cell for null. */
export function amount(value: WireDecimal | null | undefined): string {
  return text(value)
}

/** Returns `Yes` or `No`; an empty cell for null. */
export function yesOrNo(value: boolean | null | undefined): string {
  return value == null ? '' : value ? 'Yes' : 'No'
}

/** Returns a list as one cell, empty when no value of it is known. */
export function list(values: readonly (string | null | undefined)[]): string {
  return values.some((value) => value != null && value !== '') ? values.map(text).join(', ') : ''
}

/** Returns the values of one cell, without the empty ones at its end. */
function packed(values: readonly string[]): string {
  return values.slice(0, values.findLastIndex((value) => value !== '') + 1).join(', ')
}

/** Returns `SOL-1234-PQRS, USD, 10, 100`: id, currency, price and quantity. */
export function solutionCell({ id, currency, price, quantity }: SolutionTag): string {
  // A separator of thousands would end the value here.
  return packed([text(id), text(currency), text(price).replaceAll(',', ''), text(quantity)])
}

type Named = Pick<Member, 'firstName' | 'lastName' | 'phoneNumber' | 'email'>

/** Returns `Bob, Partner, 999999, bob@example.com`: first and last name, phone number, e-mail. */
export function personCell({ firstName, lastName, phoneNumber, email }: Named): string {
  return packed([text(firstName), text(lastName), text(phoneNumber), text(email)])
}
