/** Returns settings that point the loader at a sandbox and away from every real account. */
export function sandboxSettings(url: string): Record<string, string> {
  return {
    COSELL_API_URL: url,
    COSELL_AUTHORITY_URL: url,
    COSELL_TENANT_ID: 'sandbox',
    COSELL_CLIENT_ID: 'sandbox',
    COSELL_REFRESH_TOKEN: 'sandbox-refresh-token',
  }
}

/** Returns `sandboxSettings` for the demo account, without the request limit of a real API. */
export function demoSettings(url: string): Record<string, string> {
  return {
    ...sandboxSettings(url),
    COSELL_ACCOUNT: 'demo',
    COSELL_ACCOUNTS_FILE: '',
    COSELL_ORGANIZATION_ID: '',
    COSELL_ACCESS_TOKEN: '',
    COSELL_CLIENT_SECRET: '',
    COSELL_REQUESTS_PER_MINUTE: '60000',
  }
}
