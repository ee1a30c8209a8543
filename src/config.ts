import { resolve } from 'node:path'
import * as z from 'zod'
import {
  type AccountConfig,
  type AccountValues,
  type AccountVariable,
  parserOf,
  readAccountList,
  toAccount,
  type Values,
} from './config/account-config.ts'
import { checkVariables, isSet, placeOf, type Variables } from './config/check-variables.ts'
import { readVariables } from './config/read-variables.ts'
import { settingRows, settings } from './config/settings.ts'
import { parseStrictJson } from './config/strict-json.ts'
import { telemetryVariables } from './config/telemetry-variables.ts'
import { readTextFile, reasonOf } from './config/text-file.ts'
import { workingDirectory } from './config/working-directory.ts'
import { CosellError } from './errors.ts'

export {
  type AccountConfig,
  accountSettingOf,
  accountSettings,
  hasSecret,
} from './config/account-config.ts'

type CommonValues = Values<Exclude<keyof typeof settings, AccountVariable>>

/** Settings in force; `home` is absolute. */
export interface Config extends Omit<CommonValues, 'accountsFile'> {
  readonly accounts: readonly AccountConfig[]
  /** What names the accounts, such as `COSELL_CLIENT_ID (environment)`; undefined where nothing does. */
  readonly accountsPlace: string | undefined
  /** Value of a variable of the environment or `.env`, of ours or not. */
  readonly variable: (name: string) => string | undefined
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

const environment = z.object(
  Object.fromEntries(settingRows.map(([name, setting]) => [name, parserOf(setting)])),
)

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
    accountsPlace: accountsPlaceOf(set, given),
    variable: (name: string) => set[name],
    accounts: file
      ? readAccounts(resolve(directory, file))
      : [toAccount(byField(read.data, true) as AccountValues)],
  })
}

/** Returns the first setting that names accounts, with its place; undefined where none does. */
function accountsPlaceOf(set: Readonly<Record<string, string | undefined>>, given: Variables) {
  const naming = settingRows.find(
    ([name, { perAccount }]) => (perAccount || name === 'COSELL_ACCOUNTS_FILE') && isSet(set[name]),
  )
  return naming && placeOf(naming[0], given)
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

function readAccounts(file: string): readonly AccountConfig[] {
  let parsed: unknown
  try {
    parsed = parseStrictJson(readTextFile(file))
  } catch (error) {
    const text = `COSELL_ACCOUNTS_FILE: expected a JSON list of accounts in ${file}: ${reasonOf(error)}`
    throw invalid([text])
  }
  const { accounts, problems } = readAccountList(parsed)
  if (problems.length > 0) throw invalid(problems.map((line) => `${file}: ${line}`))
  return Object.freeze(accounts)
}

/** Returns names and rules without values: a wrong one may be a secret in the wrong place. */
function describeIssues(error: z.ZodError, given: Variables): string[] {
  return error.issues.map(
    ({ path: [name], message }) => `${placeOf(String(name), given)}: ${message}`,
  )
}

/** The error of settings that are not accepted, a line for each. */
export function invalid(problems: readonly string[]): CosellError {
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
