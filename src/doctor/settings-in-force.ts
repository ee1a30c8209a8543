import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AccountConfig, Config } from '../config.ts'
import { type Verdict, wrong } from './check-result.ts'

/** Every setting by its variable, then the warehouse's own; of secrets only whether they are set. */
export function settingsInForce(
  config: Config,
  limits: ReadonlyMap<string, string> = new Map(),
): Record<string, string> {
  const hidden = (value: string | undefined) => (value === undefined ? 'not set' : 'set')
  const shown = (value: string | undefined) => value ?? 'not set'
  const ofAccount = (account: AccountConfig): Record<string, string> => ({
    COSELL_API_URL: account.apiUrl,
    COSELL_AUTHORITY_URL: account.authorityUrl,
    COSELL_TENANT_ID: shown(account.tenantId),
    COSELL_CLIENT_ID: shown(account.clientId),
    COSELL_CLIENT_SECRET: hidden(account.clientSecret),
    COSELL_REFRESH_TOKEN: hidden(account.refreshToken),
    COSELL_ACCESS_TOKEN: hidden(account.accessToken),
  })
  const isSingle = config.accounts.length === 1
  const accounts = config.accounts.flatMap((account) =>
    Object.entries(ofAccount(account)).map(([name, value]) => [
      isSingle ? name : `${name} (${account.name})`,
      value,
    ]),
  )
  return {
    COSELL_HOME: config.home,
    COSELL_DATABASE_URL: withoutSecrets(config.databaseUrl),
    COSELL_PG_BINDIR: shown(config.postgresBinDir),
    COSELL_PG_OS_USER: shown(config.postgresOsUser),
    COSELL_ACCOUNT: config.accounts.map(({ name }) => name).join(', '),
    ...Object.fromEntries(accounts),
    COSELL_REPORTING_CURRENCY: shown(config.reportingCurrency),
    COSELL_OVERLAP_HOURS: String(config.overlapHours),
    COSELL_PAGE_SIZE: String(config.pageSize),
    COSELL_REQUESTS_PER_MINUTE: String(config.requestsPerMinute),
    COSELL_CONCURRENCY: String(config.concurrency),
    COSELL_RUN_DEADLINE_MINUTES: String(config.runDeadlineMinutes),
    // Whoever knows the address can silence the alarm.
    COSELL_PING_URL: hidden(config.pingUrl),
    ...Object.fromEntries([...limits].map(([name, value]) => [`etl.setting ${name}`, value])),
  }
}

/** Of a connection string only what cannot be a password: anything may stand in its query. */
function withoutSecrets(url: string | undefined): string {
  if (url === undefined) return 'not set: the embedded warehouse'
  if (!URL.canParse(url)) return 'set'
  const { protocol, username, host, pathname, searchParams } = new URL(url)
  const mode = searchParams.get('sslmode')
  const how = mode !== null && /^[a-z-]+$/.test(mode) ? `?sslmode=${mode}` : ''
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}${how}`
}

/** Whether the rotated refresh tokens can be kept: a run writes them below this folder. */
export async function judgeHome({ home }: Config): Promise<Verdict> {
  const check = 'home'
  for (let folder = home; ; folder = dirname(folder)) {
    const code = await access(folder, constants.W_OK | constants.X_OK).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code ?? 'unknown error',
    )
    if (code === null) {
      const detail = folder === home ? home : `${home} is not there yet and can be made`
      return { check, status: 'ok', detail }
    }
    if (code !== 'ENOENT' || folder === dirname(folder)) {
      const detail = `${home} cannot be written (${code} at ${folder})`
      return wrong(check, detail, 'Set COSELL_HOME to a folder that this account may write.')
    }
  }
}
