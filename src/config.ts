import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { CosellError } from './errors.ts'

/** One row of the table of settings. */
export interface Setting {
  /** Property of `Config`; with `perAccount`, of `AccountConfig` and of an entry of the accounts file. */
  readonly field: string
  /** Reads a value that is not blank. Its description says which ones are accepted. */
  readonly parser: z.ZodType
  /** Default value, written as in the environment. */
  readonly default?: string
  readonly meaning: string
  readonly perAccount?: true
  /** Never shown: the value gives access, or silences the alarm. */
  readonly isSecret?: true
  /** Serves the embedded warehouse alone. */
  readonly onlyEmbedded?: true
}

const text = z.string().trim()

function whole(least: number, most: number) {
  return z.coerce
    .number()
    .int()
    .min(least)
    .max(most)
    .describe(`a whole number from ${least} to ${most}`)
}

/** Address by https, or by http to this machine alone: a token must never travel in the clear. */
const serviceUrl = z
  .string()
  .refine(isServiceUrl, 'expected an https:// address (http:// for loopback only) without path')
  .describe('an https:// address without path; http:// for loopback only')

/** Every setting, in the order of the help. The reference, `.env.example` and doctor follow it. */
export const settings = {
  COSELL_HOME: {
    field: 'home',
    parser: z.string().describe('a folder'),
    default: '.cosell',
    meaning: 'folder of the embedded warehouse and the token store',
  },
  COSELL_DATABASE_URL: {
    field: 'databaseUrl',
    parser: z
      .string()
      .refine(
        (url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url),
        'expected postgres://user:password@host:port/database, special characters percent-encoded',
      )
      .describe('postgres://user:password@host:port/database, special characters percent-encoded'),
    meaning: 'PostgreSQL 15 or newer; unset: the embedded one',
    isSecret: true,
  },
  COSELL_PG_BINDIR: {
    field: 'postgresBinDir',
    parser: text.describe('a folder'),
    meaning: 'folder with postgres, initdb and pg_ctl; unset: the binaries from npm',
    onlyEmbedded: true,
  },
  COSELL_PG_OS_USER: {
    field: 'postgresOsUser',
    parser: text.describe('an account of the machine'),
    meaning: 'account that root runs PostgreSQL as; unset: postgres, else nobody',
    onlyEmbedded: true,
  },
  COSELL_ACCOUNT: {
    field: 'account',
    parser: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'expected letters, digits, ".", "_", "-"')
      .describe('up to 63 letters, digits, ".", "_", "-"'),
    default: 'default',
    meaning: 'name of the account in the warehouse',
    perAccount: true,
  },
  COSELL_ACCOUNTS_FILE: {
    field: 'accountsFile',
    parser: text.describe('a file'),
    meaning: 'JSON list of several accounts, in place of the single one',
  },
  COSELL_API_URL: {
    field: 'apiUrl',
    parser: serviceUrl,
    default: 'https://api.partner.microsoft.com',
    meaning: 'Referrals API',
    perAccount: true,
  },
  COSELL_AUTHORITY_URL: {
    field: 'authorityUrl',
    parser: serviceUrl,
    default: 'https://login.microsoftonline.com',
    meaning: 'sign-in service',
    perAccount: true,
  },
  COSELL_TENANT_ID: {
    field: 'tenantId',
    parser: text,
    meaning: 'Entra tenant to sign in to',
    perAccount: true,
  },
  COSELL_CLIENT_ID: {
    field: 'clientId',
    parser: text,
    meaning: 'Entra application to sign in to',
    perAccount: true,
  },
  COSELL_CLIENT_SECRET: {
    field: 'clientSecret',
    parser: text,
    meaning: 'secret of the application, when it is a confidential client',
    perAccount: true,
    isSecret: true,
  },
  COSELL_REFRESH_TOKEN: {
    field: 'refreshToken',
    parser: text,
    meaning: 'first refresh token; rotated ones are kept in COSELL_HOME',
    perAccount: true,
    isSecret: true,
  },
  COSELL_ACCESS_TOKEN: {
    field: 'accessToken',
    parser: text,
    meaning: 'access token obtained elsewhere; takes precedence over a stored sign-in',
    perAccount: true,
    isSecret: true,
  },
  COSELL_REPORTING_CURRENCY: {
    field: 'reportingCurrency',
    parser: z
      .string()
      .regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as USD')
      .describe('an ISO 4217 code such as USD'),
    meaning: 'currency of converted columns; unset: the stored one, at first USD',
  },
  COSELL_OVERLAP_HOURS: {
    field: 'overlapHours',
    parser: whole(0, 24 * 365),
    default: '72',
    meaning: 'hours before the watermark that are read again',
  },
  COSELL_PAGE_SIZE: {
    field: 'pageSize',
    parser: whole(1, 1000),
    default: '100',
    meaning: 'referrals requested per page',
  },
  COSELL_REQUESTS_PER_MINUTE: {
    field: 'requestsPerMinute',
    parser: whole(1, 100_000),
    default: '300',
    meaning: 'request rate at the start; it adapts to 429',
  },
  COSELL_CONCURRENCY: {
    field: 'concurrency',
    parser: whole(1, 64),
    default: '4',
    meaning: 'requests under way at once',
  },
  COSELL_RUN_DEADLINE_MINUTES: {
    field: 'runDeadlineMinutes',
    parser: whole(1, 24 * 60),
    default: '300',
    meaning: 'minutes after which a run ends; the next one goes on',
  },
  COSELL_PING_URL: {
    field: 'pingUrl',
    parser: z.url({ protocol: /^https?$/ }).describe('an http:// or https:// address'),
    meaning: 'dead-man switch: POST here after each run, or to its /fail',
    isSecret: true,
  },
} as const satisfies Record<string, Setting>

type Settings = typeof settings
type ValueOf<S extends Setting> = S extends { readonly default: string }
  ? z.output<S['parser']>
  : z.output<S['parser']> | undefined
type AccountVariable = {
  [Name in keyof Settings]: Settings[Name] extends { readonly perAccount: true } ? Name : never
}[keyof Settings]
type Values<Name extends keyof Settings> = {
  readonly [N in Name as Settings[N]['field']]: ValueOf<Settings[N]>
}

type AccountValues = Values<AccountVariable>
type CommonValues = Values<Exclude<keyof Settings, AccountVariable>>

/** One partner account: where its API is and who signs in. */
export interface AccountConfig extends Omit<AccountValues, 'account'> {
  readonly name: string
}

/** Settings in force; `home` is absolute. */
export interface Config extends Omit<CommonValues, 'accountsFile'> {
  readonly accounts: readonly AccountConfig[]
  /** Search path for programs, to find a PostgreSQL installed on the machine. */
  readonly path: string
}

/** The table as pairs, each with all the properties that a row may have. */
export const settingRows: readonly (readonly [name: string, Setting])[] = Object.entries(settings)

const blankIsUnset = (value: unknown) =>
  typeof value === 'string' && value.trim() === '' ? undefined : value

function parserOf({ parser, default: otherwise }: Setting) {
  const whenUnset = otherwise === undefined ? parser.optional() : parser.prefault(otherwise)
  return z.preprocess(blankIsUnset, whenUnset)
}

const environment = z.object(
  Object.fromEntries(settingRows.map(([name, setting]) => [name, parserOf(setting)])),
)

const accountsFile = z
  .array(
    z.strictObject(
      Object.fromEntries(
        settingRows
          .filter(([, { perAccount }]) => perAccount)
          .map(([, setting]) => [setting.field, parserOf(setting)]),
      ),
    ),
  )
  .min(1)

/**
 * Returns the settings in force, frozen: `overrides` (flags) over the environment over a `.env` file
 * in `directory` over defaults. A blank value is an unset one.
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
    .filter((name) => name.startsWith('COSELL_') && !(name in settings))
    .map((name) => `${name}: not a setting of cosell, did you mean ${nearest(name)}?`)
  if (set.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    problems.push('NODE_TLS_REJECT_UNAUTHORIZED: 0 would send tokens to any server; unset it')
  }
  const read = environment.safeParse(set)
  if (!read.success) problems.push(...describeIssues(read.error))
  if (problems.length > 0 || !read.success) throw invalid(problems)
  const { home, accountsFile: file, ...others } = byField(read.data, false) as CommonValues
  return Object.freeze({
    ...others,
    home: resolve(directory, home),
    path: set.PATH ?? '',
    accounts: file
      ? readAccounts(resolve(directory, file))
      : [toAccount(byField(read.data, true) as AccountValues)],
  })
}

/** Returns the values of the accounts' settings, or of all others, by field. */
function byField(values: Readonly<Record<string, unknown>>, isPerAccount: boolean): object {
  const rows = settingRows.filter(([, { perAccount = false }]) => perAccount === isPerAccount)
  return Object.fromEntries(rows.map(([name, { field }]) => [field, values[name]]))
}

function toAccount({ account, apiUrl, authorityUrl, ...others }: AccountValues): AccountConfig {
  return Object.freeze({
    ...others,
    name: account,
    apiUrl: new URL(apiUrl).origin,
    authorityUrl: new URL(authorityUrl).origin,
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
    throw invalid([`COSELL_ACCOUNTS_FILE: expected a JSON list of accounts in ${file}, ${why}`])
  }
  const read = accountsFile.safeParse(parsed)
  if (!read.success) throw invalid(describeIssues(read.error).map((line) => `${file}: ${line}`))
  const accounts = read.data.map((entry) => toAccount(entry as AccountValues))
  const names = accounts.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalid([`${file}: two accounts are called "${twice}"`])
  return Object.freeze(accounts)
}

function readDotEnv(directory: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(resolve(directory, '.env'), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw invalid([`.env: cannot be read (${error instanceof Error ? error.message : error})`])
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

/** Returns names and rules without values: a wrong one may be a secret in the wrong place. */
function describeIssues(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || '(file)'}: ${issue.message}`)
}

function invalid(problems: readonly string[]): CosellError {
  const text = ['The configuration is not valid; nothing was started.', ...problems].join('\n  ')
  return new CosellError('config.invalid', text)
}

function withoutUndefined(variables: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined))
}

function nearest(name: string): string {
  const ranked = Object.keys(settings)
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.known ?? 'COSELL_HOME'
}

/** Returns the Levenshtein distance of two names. */
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

/** Returns the settings as `--help` lists them. */
export function variableHelp(): string {
  const lines = settingRows.map(([name, { meaning, default: otherwise }]) => {
    const shown = otherwise === undefined ? '' : ` (${otherwise})`
    return `  ${name.padEnd(28)} ${meaning}${shown}`
  })
  return ['Settings (environment, or .env in the working directory):', ...lines].join('\n')
}
