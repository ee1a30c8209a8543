import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { CosellError } from './errors.ts'

/** One partner account: where its API is and who signs in. */
export interface AccountConfig {
  readonly name: string
  readonly apiUrl: string
  readonly authorityUrl: string
  readonly tenantId: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly refreshToken: string | undefined
  readonly accessToken: string | undefined
}

export interface Config {
  /** Absolute folder of the embedded warehouse, the token store and reports. */
  readonly home: string
  /** PostgreSQL to use; `undefined` means the embedded one. */
  readonly databaseUrl: string | undefined
  readonly postgresBinDir: string | undefined
  readonly postgresOsUser: string | undefined
  /** Search path for programs, to find a PostgreSQL installed on the machine. */
  readonly path: string
  readonly accounts: readonly AccountConfig[]
  readonly reportingCurrency: string | undefined
  readonly overlapHours: number
  readonly pageSize: number
  readonly requestsPerMinute: number
  readonly concurrency: number
  readonly runDeadlineMinutes: number
  /** Dead-man's switch that is told how each run ended. */
  readonly pingUrl: string | undefined
}

const blankIsUnset = (value: unknown) =>
  typeof value === 'string' && value.trim() === '' ? undefined : value

const optionalText = z.preprocess(blankIsUnset, z.string().trim().optional())
const whole = (least: number, most: number, otherwise: number) =>
  z.preprocess(blankIsUnset, z.coerce.number().int().min(least).max(most).default(otherwise))

/** https, or http to this machine alone: a token must never travel in the clear. */
const serviceUrl = (otherwise: string) =>
  z.preprocess(
    blankIsUnset,
    z
      .string()
      .default(otherwise)
      .refine(
        isServiceUrl,
        'expected an https:// address (http:// for loopback only) without path',
      ),
  )

const accountName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'expected letters, digits, ".", "_", "-"')

const accountFields = {
  account: z.preprocess(blankIsUnset, accountName.default('default')),
  apiUrl: serviceUrl('https://api.partner.microsoft.com'),
  authorityUrl: serviceUrl('https://login.microsoftonline.com'),
  tenantId: optionalText,
  clientId: optionalText,
  clientSecret: optionalText,
  refreshToken: optionalText,
  accessToken: optionalText,
}

const accountVariables: Record<keyof typeof accountFields, string> = {
  account: 'COSELL_ACCOUNT',
  apiUrl: 'COSELL_API_URL',
  authorityUrl: 'COSELL_AUTHORITY_URL',
  tenantId: 'COSELL_TENANT_ID',
  clientId: 'COSELL_CLIENT_ID',
  clientSecret: 'COSELL_CLIENT_SECRET',
  refreshToken: 'COSELL_REFRESH_TOKEN',
  accessToken: 'COSELL_ACCESS_TOKEN',
}

const environment = z.object({
  COSELL_HOME: z.preprocess(blankIsUnset, z.string().default('.cosell')),
  COSELL_DATABASE_URL: z.preprocess(
    blankIsUnset,
    z
      .string()
      .refine(
        (text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text),
        'expected postgres://user:password@host:port/database, special characters percent-encoded',
      )
      .optional(),
  ),
  COSELL_PG_BINDIR: optionalText,
  COSELL_PG_OS_USER: optionalText,
  COSELL_ACCOUNTS_FILE: optionalText,
  COSELL_REPORTING_CURRENCY: z.preprocess(
    blankIsUnset,
    z
      .string()
      .regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as USD')
      .optional(),
  ),
  COSELL_OVERLAP_HOURS: whole(0, 24 * 365, 72),
  COSELL_PAGE_SIZE: whole(1, 1000, 100),
  COSELL_REQUESTS_PER_MINUTE: whole(1, 100_000, 300),
  COSELL_CONCURRENCY: whole(1, 64, 4),
  COSELL_RUN_DEADLINE_MINUTES: whole(1, 24 * 60, 300),
  COSELL_PING_URL: z.preprocess(blankIsUnset, z.url({ protocol: /^https?$/ }).optional()),
  ...Object.fromEntries(
    Object.entries(accountVariables).map(([field, variable]) => [
      variable,
      accountFields[field as keyof typeof accountFields],
    ]),
  ),
})

/** Every name that is understood, for `--help` and for the suggestion after a typing error. */
export const variableNames: readonly string[] = Object.keys(environment.shape)

const accountsFile = z.array(z.strictObject(accountFields)).min(1)

/**
 * The settings in force, frozen: `overrides` (flags) over the environment over a `.env` file in
 * `directory` over defaults. A blank value is an unset one.
 *
 * @throws CosellError of kind `configuration` that lists every problem at once, before any network
 * or file of ours is touched.
 */
export function loadConfig(
  overrides: Readonly<Record<string, string>> = {},
  variables: Readonly<Record<string, string | undefined>> = process.env,
  directory: string = process.cwd(),
): Config {
  const set = { ...readDotEnv(directory), ...withoutUndefined(variables), ...overrides }
  const problems = Object.keys(set)
    .filter((name) => name.startsWith('COSELL_') && !variableNames.includes(name))
    .map((name) => `${name}: not a setting of cosell, did you mean ${nearest(name)}?`)
  if (set.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    problems.push('NODE_TLS_REJECT_UNAUTHORIZED: 0 would send tokens to anybody; unset it')
  }
  const read = environment.safeParse(set)
  if (!read.success) problems.push(...describeIssues(read.error))
  if (problems.length > 0 || !read.success) throw refused(problems)
  const values: Record<string, unknown> & typeof read.data = read.data
  return Object.freeze({
    home: resolve(directory, values.COSELL_HOME),
    databaseUrl: values.COSELL_DATABASE_URL,
    postgresBinDir: values.COSELL_PG_BINDIR,
    postgresOsUser: values.COSELL_PG_OS_USER,
    path: set.PATH ?? '',
    accounts: values.COSELL_ACCOUNTS_FILE
      ? readAccounts(resolve(directory, values.COSELL_ACCOUNTS_FILE))
      : [accountOf(values)],
    reportingCurrency: values.COSELL_REPORTING_CURRENCY,
    overlapHours: values.COSELL_OVERLAP_HOURS,
    pageSize: values.COSELL_PAGE_SIZE,
    requestsPerMinute: values.COSELL_REQUESTS_PER_MINUTE,
    concurrency: values.COSELL_CONCURRENCY,
    runDeadlineMinutes: values.COSELL_RUN_DEADLINE_MINUTES,
    pingUrl: values.COSELL_PING_URL,
  })
}

function accountOf(values: Record<string, unknown>): AccountConfig {
  const fields = Object.entries(accountVariables).map(([field, name]) => [field, values[name]])
  return toAccount(z.object(accountFields).parse(Object.fromEntries(fields)))
}

function toAccount(read: z.infer<z.ZodObject<typeof accountFields>>): AccountConfig {
  return Object.freeze({
    name: read.account,
    apiUrl: new URL(read.apiUrl).origin,
    authorityUrl: new URL(read.authorityUrl).origin,
    tenantId: read.tenantId,
    clientId: read.clientId,
    clientSecret: read.clientSecret,
    refreshToken: read.refreshToken,
    accessToken: read.accessToken,
  })
}

function readAccounts(file: string): readonly AccountConfig[] {
  let text: string
  let parsed: unknown
  try {
    text = readFileSync(file, 'utf8')
    parsed = JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it is not JSON' : 'it cannot be read'
    throw refused([`COSELL_ACCOUNTS_FILE: expected a JSON list of accounts in ${file}, ${why}`])
  }
  const read = accountsFile.safeParse(parsed)
  if (!read.success) throw refused(describeIssues(read.error).map((line) => `${file}: ${line}`))
  const names = read.data.map((account) => account.account)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw refused([`${file}: two accounts are called "${twice}"`])
  return Object.freeze(read.data.map(toAccount))
}

function readDotEnv(directory: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(resolve(directory, '.env'), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw refused([`.env: cannot be read (${error instanceof Error ? error.message : error})`])
  }
}

function isServiceUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  return bare && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))
}

function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname)
}

/** Names and rules only: a wrong value may be a secret in the wrong place, so it is not quoted. */
function describeIssues(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || '(file)'}: ${issue.message}`)
}

function refused(problems: readonly string[]): CosellError {
  const text = ['The configuration was refused; nothing was started.', ...problems].join('\n  ')
  return new CosellError('configuration', 'config.invalid', text)
}

function withoutUndefined(variables: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined))
}

function nearest(name: string): string {
  const ranked = variableNames
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.known ?? 'COSELL_HOME'
}

/** Levenshtein distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

const variableMeanings: Readonly<Record<string, string>> = {
  COSELL_HOME: 'folder of the embedded warehouse and the token store (.cosell)',
  COSELL_DATABASE_URL: 'PostgreSQL 15 or newer; unset: the embedded one',
  COSELL_PG_BINDIR: 'folder with postgres, initdb and pg_ctl for the embedded warehouse',
  COSELL_PG_OS_USER: 'account that root runs the embedded warehouse as (postgres, else nobody)',
  COSELL_ACCOUNT: 'name of the single account (default)',
  COSELL_ACCOUNTS_FILE: 'JSON list of several accounts, see README',
  COSELL_API_URL: 'https://api.partner.microsoft.com; http for loopback only',
  COSELL_AUTHORITY_URL: 'https://login.microsoftonline.com; likewise',
  COSELL_TENANT_ID: 'Entra tenant that signs in',
  COSELL_CLIENT_ID: 'Entra application',
  COSELL_CLIENT_SECRET: 'its secret, when it is a confidential one',
  COSELL_REFRESH_TOKEN: 'first refresh token; rotated ones are kept in COSELL_HOME',
  COSELL_ACCESS_TOKEN: 'a token obtained elsewhere, used as it is',
  COSELL_REPORTING_CURRENCY: 'currency of converted columns (USD)',
  COSELL_OVERLAP_HOURS: 'how far before the watermark to read again (72)',
  COSELL_PAGE_SIZE: 'referrals asked for per page (100)',
  COSELL_REQUESTS_PER_MINUTE: 'budget at the start; it adapts to 429 (300)',
  COSELL_CONCURRENCY: 'requests under way at once (4)',
  COSELL_RUN_DEADLINE_MINUTES: 'a run ends after this, to go on next time (300)',
  COSELL_PING_URL: 'POST here after each run, or to its /fail, for a dead-man switch',
}

/** The settings as `--help` lists them. */
export function variableHelp(): string {
  const lines = Object.entries(variableMeanings).map(
    ([name, meaning]) => `  ${name.padEnd(28)} ${meaning}`,
  )
  return ['Settings (environment, or .env in the working directory):', ...lines].join('\n')
}
