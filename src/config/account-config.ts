import * as z from 'zod'
import { checkAccountsApart } from './accounts-apart.ts'
import { checkEntries, checkEntry, type EntryPlace } from './check-variables.ts'
import { describeReference, type SecretReference, secretReference } from './secret-reference.ts'
import { type Setting, settingRows, type settings } from './settings.ts'

type Settings = typeof settings
type ValueOf<S extends Setting> = S extends { readonly default: string }
  ? z.output<S['parser']>
  : z.output<S['parser']> | undefined
export type AccountVariable = {
  [Name in keyof Settings]: Settings[Name] extends { readonly perAccount: true } ? Name : never
}[keyof Settings]
export type Values<Name extends keyof Settings> = {
  readonly [N in Name as Settings[N]['field']]: ValueOf<Settings[N]>
}
export type AccountValues = Values<AccountVariable>
type SecretVariable = {
  [Name in AccountVariable]: Settings[Name] extends { readonly isSecret: true } ? Name : never
}[AccountVariable]
/** A secret of an account, by its property. */
export type SecretField = Settings[SecretVariable]['field']

/** One partner account: where its API is and who signs in. */
export interface AccountConfig extends Omit<AccountValues, 'account'> {
  readonly name: string
  /** Where the secrets of an account of the warehouse are, until they are read for its run. */
  readonly secretsFrom?: Readonly<Partial<Record<SecretField, SecretReference>>>
}

/** A setting of an account, and what `etl.account` and the options of `cosell account` call it. */
export interface AccountSetting {
  readonly field: string
  /** Column of `etl.account`. */
  readonly column: string
  readonly option: string
  readonly isSecret: boolean
  readonly meaning: string
}

/** The settings of an account but its name, in the order of the table of settings. */
export const accountSettings: readonly AccountSetting[] = settingRows.flatMap(([name, setting]) => {
  const { field, meaning, isSecret = false, perAccount = false } = setting
  if (!perAccount || field === 'account') return []
  const words = name.replace('COSELL_', '').toLowerCase()
  const column = isSecret ? `${words}_from` : words
  return [{ field, column, option: words.replaceAll('_', '-'), isSecret, meaning }]
})

/** The setting of an account that is this property; undefined for its name, and for none. */
export function accountSettingOf(field: string): AccountSetting | undefined {
  return accountSettings.find((setting) => setting.field === field)
}

const blankIsUnset = (value: unknown) =>
  typeof value === 'string' && value.trim() === '' ? undefined : value

export function parserOf({ parser, default: otherwise }: Setting) {
  const whenUnset = otherwise === undefined ? parser.optional() : parser.prefault(otherwise)
  return z.preprocess(blankIsUnset, whenUnset)
}

function entryParser(parserIn: (setting: Setting) => z.ZodType) {
  const ofAccount = settingRows.filter(([, { perAccount }]) => perAccount)
  return z.object(
    Object.fromEntries(ofAccount.map(([, setting]) => [setting.field, parserIn(setting)])),
  )
}

const accountsFile = z.array(entryParser(parserOf)).min(1)
/** As an entry of the file, with references in place of secrets. */
const storedEntry = entryParser((setting) =>
  parserOf(setting.isSecret ? { ...setting, parser: secretReference } : setting),
)

export function toAccount({
  account,
  apiUrl,
  authorityUrl,
  ...others
}: AccountValues): AccountConfig {
  return Object.freeze({
    ...others,
    name: account,
    apiUrl: new URL(apiUrl).origin,
    authorityUrl: new URL(authorityUrl).origin,
  })
}

export interface ReadAccounts {
  readonly accounts: readonly AccountConfig[]
  /** Lines without values, which may be secrets. */
  readonly problems: readonly string[]
}

/** Reads the accounts of a parsed accounts file. */
export function readAccountList(parsed: unknown): ReadAccounts {
  const read = accountsFile.safeParse(parsed)
  const accounts = (read.data ?? []).map((entry) => toAccount(entry as AccountValues))
  return {
    accounts,
    problems: [
      ...checkEntries(parsed, settingRows),
      ...(read.error?.issues ?? []).map(({ path: [index, ...rest], message }) => {
        if (index === undefined) return `expected a list of accounts: ${message}`
        return `entry ${Number(index) + 1}, ${rest.join('.') || 'as a whole'}: ${message}`
      }),
      ...checkAccountsApart(accounts),
    ],
  }
}

/** An account of the warehouse as it was stored: each setting by its property, without unset ones. */
export type StoredEntry = Readonly<Record<string, string>>

/**
 * Reads a stored account as an entry of an accounts file is read, with references in place of secrets.
 * The account is undefined when there are problems.
 */
export function readStoredEntry(
  entry: StoredEntry,
  place: EntryPlace,
): { readonly account: AccountConfig | undefined; readonly problems: readonly string[] } {
  const read = storedEntry.safeParse(entry)
  const problems = [
    ...checkEntry(entry, settingRows, place),
    ...(read.error?.issues ?? []).map(
      ({ path, message }) => `${place.before}${place.nameOf(path.join('.'))}: ${message}`,
    ),
  ]
  if (problems.length > 0) return { account: undefined, problems }
  const secrets = accountSettings.flatMap(({ field, isSecret }) => (isSecret ? [field] : []))
  const isReference = ([field, value]: readonly [string, unknown]) =>
    secrets.includes(field) && value !== undefined
  const values = Object.entries(read.data ?? {})
  const others = Object.fromEntries(values.filter(([field]) => !secrets.includes(field)))
  const secretsFrom = Object.fromEntries(values.filter(isReference))
  const account = { ...toAccount(others as AccountValues), secretsFrom }
  return { account: Object.freeze(account), problems }
}

/** Returns a line for each two accounts of the warehouse of one name, source or secret. */
export function checkStoredApart(accounts: readonly AccountConfig[]): string[] {
  return checkAccountsApart(
    accounts.map(({ secretsFrom: { accessToken, refreshToken } = {}, ...account }) => ({
      ...account,
      accessToken: accessToken && JSON.stringify(accessToken),
      refreshToken: refreshToken && JSON.stringify(refreshToken),
    })),
  )
}

/** Whether an account has a secret, read or not. */
export function hasSecret(account: AccountConfig, field: SecretField): boolean {
  return account[field] !== undefined || account.secretsFrom?.[field] !== undefined
}

/** Returns the secrets of an account with where they are, by property. */
export function describeSecrets({ secretsFrom = {} }: AccountConfig): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secretsFrom).map(([field, from]) => [field, describeReference(from)]),
  )
}
