import { writeFile } from 'node:fs/promises'
import { sandboxSettings } from '../../src/sandbox/settings.ts'

/** An account of an accounts file: its name and address, and a token where it is not the right one. */
export interface SandboxAccount {
  readonly name: string
  readonly url: string
  readonly refreshToken?: string
}

/** Writes an accounts file of simulated APIs. */
export function writeAccounts(file: string, accounts: readonly SandboxAccount[]): Promise<void> {
  const entries = accounts.map(({ name, url, refreshToken }) => {
    const settings = sandboxSettings(url)
    return {
      account: name,
      apiUrl: url,
      authorityUrl: url,
      clientId: settings.COSELL_CLIENT_ID,
      tenantId: settings.COSELL_TENANT_ID,
      refreshToken: refreshToken ?? settings.COSELL_REFRESH_TOKEN,
    }
  })
  return writeFile(file, JSON.stringify(entries), { mode: 0o600 })
}
