import { resolve } from 'node:path'
import * as z from 'zod'
import { checkAccountsApart } from './config/accounts-apart.ts'
import { checkEntries, checkVariables, placeOf, type Variables } from './config/check-variables.ts'
import { readVariables } from './config/read-variables.ts'
import { type Setting, settingRows, settings } from './config/settings.ts'
import { parseStrictJson } from './config/strict-json.ts'
import { telemetryVariables } from './config/telemetry-variables.ts'
import { readTextFile, reasonOf } from './config/text-file.ts'
import { workingDirectory } from './config/working-directory.ts'
import { CosellError } from './errors.ts'

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
  /** Variables of OpenTelemetry and OpenLineage by name, as set; one may hold a key. */
  readonly telemetry: Readonly<Record<string, string>>
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
    telemetry: Object.freeze(telemetryVariables(set)),
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

/** Puts variables of `.env` where a library reads them: into the environment of the process. */
export function setVariables(values: Readonly<Record<string, string>>) {
  Object.assign(process.env, values)
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
