/** What tells a configured account from another. */
interface Account {
  readonly name: string
  readonly apiUrl: string
  readonly tenantId?: string | undefined
  readonly organizationId?: string | undefined
  readonly accessToken?: string | undefined
  readonly refreshToken?: string | undefined
}

/** Returns a line for each two accounts of one name or of one source. */
export function checkAccountsApart(accounts: readonly Account[]): string[] {
  return accounts.flatMap((account, index) =>
    accounts.slice(0, index).flatMap((earlier) => {
      if (earlier.name.toLowerCase() === account.name.toLowerCase()) {
        return [`two accounts are called "${earlier.name}", whatever the case`]
      }
      const shared = sharedSource(earlier, account)
      if (shared === undefined) return []
      const names = `the accounts "${earlier.name}" and "${account.name}"`
      return [
        `${names} name the same ${shared}, and every figure would count twice; remove one, or give ` +
          'each the organizationId that it reads',
      ]
    }),
  )
}

/** Returns what two accounts have in common that makes them one source. */
function sharedSource(one: Account, other: Account): string | undefined {
  if (one.apiUrl !== other.apiUrl) return undefined
  if (one.accessToken !== undefined && one.accessToken === other.accessToken) return 'accessToken'
  if (one.refreshToken !== undefined && one.refreshToken === other.refreshToken) {
    return 'refreshToken'
  }
  const [tenant, organizations] = [
    comparableTenant(one.tenantId),
    [one, other].map(({ organizationId }) => organizationId?.toLowerCase()),
  ]
  if (tenant === null || tenant !== comparableTenant(other.tenantId)) return undefined
  const areApart = !organizations.includes(undefined) && organizations[0] !== organizations[1]
  return areApart ? undefined : 'tenantId'
}

/** Tenants that stand for any tenant. */
const anyTenant = new Set(['', 'common', 'organizations', 'consumers'])

/** Returns a tenant as it is compared; null for none and for a name that stands for any. */
export function comparableTenant(tenantId: string | null | undefined): string | null {
  const tenant = tenantId?.trim().toLowerCase() ?? ''
  return anyTenant.has(tenant) ? null : tenant
}
