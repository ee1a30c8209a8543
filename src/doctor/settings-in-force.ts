import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeSecrets } from '../config/account-config.ts'
import { type Setting, settingRows } from '../config/settings.ts'
import type { Config } from '../config.ts'
import { type CheckResult, failed } from './check-result.ts'

/**
 * Returns every setting by its variable, then the limits of the warehouse. Of a secret it says only
 * whether it is set. With several accounts, the account follows the variable in brackets.
 */
export function settingsInForce(
  config: Config,
  limits: ReadonlyMap<string, string> = new Map(),
): Record<string, string> {
  const isSingle = config.accounts.length === 1
  const ofConfig = settingRows.flatMap(([name, setting]) => {
    if (name === 'COSELL_ACCOUNTS_FILE') return []
    if (name === 'COSELL_ACCOUNT')
      return [[name, config.accounts.map((one) => one.name).join(', ')]]
    if (name === 'COSELL_DATABASE_URL') return [[name, withoutSecrets(config.databaseUrl)]]
    if (!setting.perAccount) return [[name, shown(setting, config)]]
    return config.accounts.map((account) => [
      isSingle ? name : `${name} (${account.name})`,
      describeSecrets(account)[setting.field] ?? shown(setting, account),
    ])
  })
  const ofWarehouse = [...limits].map(([name, value]) => [`etl.setting ${name}`, value])
  return Object.fromEntries([...ofConfig, ...ofWarehouse])
}

function shown({ field, isSecret }: Setting, values: object): string {
  const value: unknown = Reflect.get(values, field)
  if (value === undefined) return 'not set'
  return isSecret ? 'set' : String(value)
}

/** Returns the parts of a connection string that cannot hold a password, as its query may. */
function withoutSecrets(url: string | undefined): string {
  if (url === undefined) return 'not set: the embedded warehouse'
  if (!URL.canParse(url)) return 'set'
  const { protocol, username, host, pathname, searchParams } = new URL(url)
  const mode = searchParams.get('sslmode')
  const how = mode !== null && /^[a-z-]+$/.test(mode) ? `?sslmode=${mode}` : ''
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}${how}`
}

/** Checks that the folder can be written, since a run keeps rotated refresh tokens there. */
export async function checkHome({ home }: Config): Promise<CheckResult> {
  const check = 'home'
  for (let folder = home; ; folder = dirname(folder)) {
    const code = await access(folder, constants.W_OK | constants.X_OK).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code ?? 'unknown error',
    )
    if (code === null) {
      const detail = folder === home ? home : `${home} does not exist yet and can be created`
      return { check, status: 'ok', detail }
    }
    if (code !== 'ENOENT' || folder === dirname(folder)) {
      const detail = `${home} cannot be written (${code} at ${folder})`
      return failed(check, detail, 'Set COSELL_HOME to a folder that this account may write.')
    }
  }
}
