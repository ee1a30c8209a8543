import { resolve } from 'node:path'
import * as z from 'zod'
import { checkAccountsApart } from './config/accounts-apart.ts'
import { checkEntries, checkVariables, placeOf, type Variables } from './config/check-variables.ts'
import { databaseUrl, eligibilitySource, path, serviceUrl, text, whole } from './config/parsers.ts'
import { readVariables } from './config/read-variables.ts'
import { parseStrictJson } from './config/strict-json.ts'
import { readTextFile, reasonOf } from './config/text-file.ts'
import { workingDirectory } from './config/working-directory.ts'
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
  /** Serves the embedded warehouse alone: an error beside COSELL_DATABASE_URL. */
  readonly onlyEmbedded?: true
  /** Serves a PostgreSQL of one's own alone: an error without COSELL_DATABASE_URL. */
  readonly onlyServer?: true
  /** Serves a sign-in alone: an error beside an access token. */
  readonly onlySignIn?: true
  /** Is never set to a blank value, which would choose another warehouse, account or source. */
  readonly isBlankRefused?: true
}

/** Every setting, in the order of the help. The reference, `.env.example` and doctor follow it. */
export const settings = {
  COSELL_HOME: {
    field: 'home',
    parser: path.describe('a folder'),
    default: '.cosell',
    isBlankRefused: true,
    meaning: 'folder of the embedded warehouse and the token store',
  },
  COSELL_DATABASE_URL: {
    field: 'databaseUrl',
    parser: databaseUrl,
    meaning: 'PostgreSQL 15 or newer; unset: the embedded one',
    isBlankRefused: true,
    isSecret: true,
  },
  COSELL_READER_DATABASE_URL: {
    field: 'readerDatabaseUrl',
    parser: databaseUrl,
    meaning: 'login in cosell_bi of the same database, for SQL of others: `sql`, `mcp`',
    isBlankRefused: true,
    isSecret: true,
    onlyServer: true,
  },
  COSELL_PG_BINDIR: {
    field: 'postgresBinDir',
    parser: path.describe('a folder'),
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
    isBlankRefused: true,
  },
  COSELL_ACCOUNTS_FILE: {
    field: 'accountsFile',
    parser: path.describe('a file'),
    meaning: 'JSON list of several accounts, in place of the single one',
  },
  COSELL_API_URL: {
    field: 'apiUrl',
    parser: serviceUrl,
    default: 'https://api.partner.microsoft.com',
    meaning: 'Referrals API',
    perAccount: true,
    isBlankRefused: true,
  },
  COSELL_AUTHORITY_URL: {
    field: 'authorityUrl',
    parser: serviceUrl,
    default: 'https://login.microsoftonline.com',
    meaning: 'sign-in service',
    perAccount: true,
    isBlankRefused: true,
  },
  COSELL_API_SCOPE: {
    field: 'apiScope',
    parser: text
      .regex(/^\S+$/, 'expected one permission, such as https://api.partner.microsoft.com/.default')
      .describe('a permission of the API, such as https://api.partner.microsoft.com/.default'),
    meaning: 'permission to sign in for; unset: /.default of COSELL_API_URL',
    perAccount: true,
  },
  COSELL_TENANT_ID: {
    field: 'tenantId',
    parser: text
      .regex(/^[A-Za-z0-9][A-Za-z0-9.-]*$/, 'expected the id of a tenant, or a domain of it')
      .describe('the id of a tenant, or a domain of it'),
    meaning: 'Entra tenant to sign in to',
    perAccount: true,
    isBlankRefused: true,
  },
  COSELL_ORGANIZATION_ID: {
    field: 'organizationId',
    parser: text,
    meaning:
      'organisation that is read, where accounts share a tenant; unset: the one that is found',
    perAccount: true,
  },
  COSELL_CLIENT_ID: {
    field: 'clientId',
    parser: text,
    meaning: 'Entra application to sign in to',
    perAccount: true,
    onlySignIn: true,
  },
  COSELL_CLIENT_SECRET: {
    field: 'clientSecret',
    parser: text,
    meaning: 'secret of the application, when it is a confidential client',
    perAccount: true,
    onlySignIn: true,
    isSecret: true,
  },
  COSELL_REFRESH_TOKEN: {
    field: 'refreshToken',
    parser: text,
    meaning: 'first refresh token; rotated ones are kept in COSELL_HOME',
    perAccount: true,
    onlySignIn: true,
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
  COSELL_FISCAL_YEAR_START_MONTH: {
    field: 'fiscalYearStartMonth',
    parser: whole(1, 12),
    meaning: 'month in which the fiscal year starts; unset: the stored one, at first 7',
  },
  COSELL_ELIGIBILITY_SOURCE: {
    field: 'eligibilitySource',
    parser: eligibilitySource,
    meaning: 'where eligibility policies are; unset: the stored one, at first a property of ours',
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
  /** Variables of proxies and certificates by name, as set; a proxy's address may hold a password. */
  readonly network: Readonly<Record<string, string>>
}

/** Variables of the network that other programs know as well; a proxy's in both spellings. */
const networkVariables = [
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
    name.toLowerCase(),
    name,
  ]),
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'NODE_USE_SYSTEM_CA',
]

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
    z.object(
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
 * in `directory` over defaults. A blank value is an unset one, also over a value of `.env`, or is
 * refused; a blank override unsets the setting.
 *
 * @throws CosellError of kind `configuration` that lists every problem at once, before any network
 * or file of ours is touched.
 */
export function loadConfig(
  overrides: Readonly<Record<string, string>> = {},
  variables: Readonly<Record<string, string | undefined>> = process.env,
  directory: string = workingDirectory(),
): Config {
  const { given, problems: unreadable } = readVariables(directory, variables, overrides)
  const values = [...given].map(([name, { value }]) => [name, value])
  const set: Record<string, string | undefined> = { ...Object.fromEntries(values), ...overrides }
  const problems = [...unreadable, ...checkVariables(given, settingRows)]
  if (set.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    problems.push('NODE_TLS_REJECT_UNAUTHORIZED: 0 would send tokens to any server; unset it')
  }
  for (const name of networkVariables.filter((one) => one.startsWith('NODE_'))) {
    if (set[name] !== variables[name] && (set[name] ?? '') !== '')
      problems.push(
        `${name}: Node.js reads it when it starts; set it in the environment, not in .env`,
      )
  }
  const read = environment.safeParse(set)
  if (!read.success) problems.push(...describeIssues(read.error, given))
  if (problems.length > 0 || !read.success) throw invalid(problems)
  const { home, accountsFile: file, ...others } = byField(read.data, false) as CommonValues
  return Object.freeze({
    ...others,
    home: resolve(directory, home),
    path: set.PATH ?? '',
    network: Object.freeze(pick(set, networkVariables)),
    accounts: file
      ? readAccounts(resolve(directory, file))
      : [toAccount(byField(read.data, true) as AccountValues)],
  })
}

/** Returns a name that COSELL_ACCOUNT accepts; undefined for any other text. */
export function parseAccountName(name: string): string | undefined {
  const parsed = settings.COSELL_ACCOUNT.parser.safeParse(name)
  return parsed.success ? parsed.data : undefined
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
  let parsed: unknown
  try {
    parsed = parseStrictJson(readTextFile(file))
  } catch (error) {
    const text = `COSELL_ACCOUNTS_FILE: expected a JSON list of accounts in ${file}: ${reasonOf(error)}`
    throw invalid([text])
  }
  const problems = checkEntries(parsed, settingRows)
  const read = accountsFile.safeParse(parsed)
  if (!read.success) problems.push(...describeIssues(read.error))
  const accounts = (read.data ?? []).map((entry) => toAccount(entry as AccountValues))
  problems.push(...checkAccountsApart(accounts))
  if (problems.length > 0) throw invalid(problems.map((line) => `${file}: ${line}`))
  return Object.freeze(accounts)
}

/** Returns names and rules without values: a wrong one may be a secret in the wrong place. */
function describeIssues(error: z.ZodError, given: Variables = new Map()): string[] {
  return error.issues.map(({ path: [first, ...rest], message }) => {
    if (typeof first === 'string') return `${placeOf(first, given)}: ${message}`
    if (first === undefined) return `expected a list of accounts: ${message}`
    return `entry ${Number(first) + 1}, ${rest.join('.') || 'as a whole'}: ${message}`
  })
}

function invalid(problems: readonly string[]): CosellError {
  const text = ['The configuration is not valid; nothing was started.', ...problems].join('\n  ')
  return new CosellError('config.invalid', text)
}

function pick(set: Readonly<Record<string, string | undefined>>, names: readonly string[]) {
  return Object.fromEntries(
    names.flatMap((name) => (set[name] === undefined ? [] : [[name, set[name]]])),
  ) as Record<string, string>
}

/** Returns the environment of the process, to learn how it was started. */
export function processVariables(): Readonly<Record<string, string | undefined>> {
  return process.env
}

/** Whether nohup started this process: shells leave the path of what they start in `_`. */
export function isStartedByNohup(variables: { readonly _?: string } = process.env): boolean {
  return /(^|\/)nohup$/.test(variables._ ?? '')
}

/** Returns the settings as `--help` lists them. */
export function variableHelp(): string {
  const lines = settingRows.map(([name, { meaning, default: otherwise }]) => {
    const shown = otherwise === undefined ? '' : ` (${otherwise})`
    return `  ${name.padEnd(30)} ${meaning}${shown}`
  })
  return ['Settings (environment, or .env in the working directory):', ...lines].join('\n')
}
