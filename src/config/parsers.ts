import * as z from 'zod'

/** Text of one line. */
export const text = z
  .string()
  .trim()
  .regex(/^\P{Cc}*$/u, 'expected text without control characters')

/** Address of a PostgreSQL; `parseAddress` says more about one that cannot be obeyed. */
export const databaseUrl = z
  .string()
  .refine(
    (url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url),
    'expected postgres://user:password@host:port/database of one server, special characters percent-encoded',
  )
  .describe('postgres://user:password@host:port/database, special characters percent-encoded')

/** Path that no shell has to complete: `~/x` would make a folder of that name, and all in it anew. */
export const path = text.regex(
  /^(?!~|.*\$[{(A-Za-z]|.*%\w+%)/,
  'expected a path without ~ and variables, which are not replaced here',
)

/** Name of a property, or the template of an address. */
export const eligibilitySource = text
  .refine(
    isEligibilitySource,
    'expected the name of a property, or a path or an https:// address with {referralId} in it',
  )
  .describe('the name of a property, or a path or an address of the API with {referralId} in it')

function isEligibilitySource(value: string): boolean {
  if (/^[A-Za-z]\w{0,99}$/.test(value)) return true
  const [first = '', ...rest] = value.split('{referralId}')
  return /^(\/|https?:\/\/)/.test(first) && rest.length > 0 && !/[{}\s]/.test(first + rest.join(''))
}

export function whole(least: number, most: number) {
  return z.coerce
    .number()
    .int()
    .min(least)
    .max(most)
    .describe(`a whole number from ${least} to ${most}`)
}

/** Days for which rows are kept. */
export const daysKept = whole(1, 36_500)

/** Address by https, or by http to this machine alone: a token must never travel in the clear. */
export const serviceUrl = z
  .string()
  .refine(isServiceUrl, 'expected an https:// address (http:// for loopback only) without path')
  .describe('an https:// address without path; http:// for loopback only')

function isServiceUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  return bare && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))
}

function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname)
}

const keyBytes = 32

/** Keys of 32 bytes in base64, as `openssl rand -base64 32` prints them; the first encrypts. */
export const tokenKeys = text
  .transform((value) => value.split(',').map((one) => Buffer.from(one.trim(), 'base64')))
  .refine(
    (keys) => keys.every((key) => key.length === keyBytes),
    'expected 32 bytes in base64, as `openssl rand -base64 32` prints them, and a former key after a comma',
  )
  .transform((keys) => keys as [Buffer, ...Buffer[]])
  .describe('32 bytes in base64, and a former key after a comma')
