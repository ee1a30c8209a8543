import * as z from 'zod'
import {
  databaseUrl,
  daysKept,
  eligibilitySource,
  path,
  serviceUrl,
  text,
  tokenKeys,
  whole,
} from './parsers.ts'

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
  COSELL_TOKEN_KEY: {
    field: 'tokenKeys',
    parser: tokenKeys,
    meaning: 'key of sign-ins in the warehouse, for several machines; unset: files of COSELL_HOME',
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
  COSELL_KEEP_VERSIONS_DAYS: {
    field: 'keepVersionsDays',
    parser: daysKept,
    meaning: 'days until `purge` deletes superseded landed versions; unset: never',
  },
  COSELL_KEEP_RUNS_DAYS: {
    field: 'keepRunsDays',
    parser: daysKept,
    meaning: 'days until `purge` deletes finished runs; unset: never',
  },
  COSELL_KEEP_CONTACTS_DAYS: {
    field: 'keepContactsDays',
    parser: daysKept,
    meaning: 'days until `purge` removes contacts and notes of closed referrals; unset: never',
  },
  COSELL_PING_URL: {
    field: 'pingUrl',
    parser: z.url({ protocol: /^https?$/ }).describe('an http:// or https:// address'),
    meaning: 'dead-man switch: POST here after each run, or to its /fail',
    isSecret: true,
  },
} as const satisfies Record<string, Setting>

/** The table as pairs, each with all the properties that a row may have. */
export const settingRows: readonly (readonly [name: string, Setting])[] = Object.entries(settings)
