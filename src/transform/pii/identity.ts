import { isObject } from '../parse/invalid-payload.ts'
import { digitsOf, nameKey } from './erased.ts'

/** Name and phone number of a person, as the columns of pii.contact. */
export interface NamedPerson {
  readonly first_name: string | null
  readonly last_name: string | null
  readonly phone_number: string | null
}

/** Numbers with fewer digits are extensions, which many have. */
const digitsMin = 6

/**
 * Returns the texts whose keyed hashes identify a person: the address in lower case, and what `known` and
 * the members of `landed` people have beside it, phone numbers and names. Left out is what one of
 * `others` has as well.
 */
export function identityKeys(
  email: string,
  known: readonly NamedPerson[],
  landed: readonly unknown[],
  others: readonly NamedPerson[],
): string[] {
  const address = email.toLowerCase()
  const shared = new Set(others.flatMap(keysOf))
  const own = [...known, ...landed.flatMap((people) => [...membersWith(address, people)])]
  const keys = own.flatMap(keysOf).filter((key) => !shared.has(key))
  return [...new Set([address, ...keys])]
}

function keysOf({ first_name, last_name, phone_number }: NamedPerson): string[] {
  const digits = digitsOf(phone_number ?? '')
  const name = nameKey(`${first_name ?? ''} ${last_name ?? ''}`)
  return [...(digits.length < digitsMin ? [] : [digits]), ...(name === null ? [] : [name])]
}

function* membersWith(address: string, value: unknown): Generator<NamedPerson> {
  if (Array.isArray(value)) for (const item of value) yield* membersWith(address, item)
  if (!isObject(value)) return
  const member = new Map(
    Object.entries(value).map(([key, item]) => [
      key.toLowerCase(),
      typeof item === 'string' || typeof item === 'number' ? String(item) : null,
    ]),
  )
  if (member.get('email')?.trim().toLowerCase() === address) {
    yield {
      first_name: member.get('firstname') ?? null,
      last_name: member.get('lastname') ?? null,
      phone_number: member.get('phonenumber') ?? null,
    }
  }
  for (const item of Object.values(value)) yield* membersWith(address, item)
}
