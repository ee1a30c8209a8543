import { CosellError } from '../../errors.ts'
import { addressBelow } from '../http/endpoint.ts'
import { errorCodes } from './api-errors.ts'

/** Place of the referral's id in the template of an address. */
const idPlace = '{referralId}'

/** The eligibility policies of one referral. */
export interface FetchedPolicies {
  readonly id: string
  /** As received; empty when the API has none for the referral. */
  readonly policies: readonly unknown[]
  readonly requestId: string
  readonly fetchedAt: string
}

/**
 * Returns the address of the policies of a referral: the template, which is a path or a whole
 * address, with the id in its place.
 *
 * @throws CosellError `configuration` when it is not at the API: the access token would go there.
 */
export function policyAddress(base: URL, template: string, id: string): URL {
  const filled = template.replaceAll(idPlace, encodeURIComponent(id))
  const url = addressOf(base, filled)
  const isApi = url !== null && url.origin === base.origin && url.username + url.password === ''
  if (isApi && template.includes(idPlace)) return url
  const got = url === null ? 'text that is not an address' : `one at ${url.origin}`
  throw new CosellError(
    'eligibility.address',
    `COSELL_ELIGIBILITY_SOURCE: expected the name of a property, or an address with ${idPlace} at ` +
      `${base.origin}, got ${isApi ? `one without ${idPlace}` : got}. Nothing was sent there.`,
  )
}

function addressOf(base: URL, filled: string): URL | null {
  if (filled.startsWith('/')) return addressBelow(base, filled)
  return URL.canParse(filled) ? new URL(filled) : null
}

/** Says why an answer holds no policies; `null` when it does. */
export function problemWithPolicies(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return 'JSON that is neither an object nor a list'
  if ('error' in body) {
    const codes = errorCodes(body)
    return `an error body with status 200${codes.length === 0 ? '' : ` (${codes.join(' > ')})`}`
  }
  // The address of something else, such as the referral, would bring people to where none may be.
  return policiesOf(body).every(isPolicy) ? null : 'JSON of something without policyName'
}

function isPolicy(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false
  return Object.keys(item).some((name) => name.toLowerCase() === 'policyname')
}

/** Returns the list of an answer that is a list, an OData envelope of one, or a single policy. */
export function policiesOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body
  const { value } = body as { value?: unknown }
  return Array.isArray(value) ? value : [body]
}
