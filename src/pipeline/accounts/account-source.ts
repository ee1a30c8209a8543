import { comparableTenant } from '../../config/accounts-apart.ts'
import type { AccountConfig } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import type { ReferralsApi } from '../../extract/api/referrals-api.ts'
import { tenantOf } from '../../extract/auth/principal.ts'
import {
  type AccountSource,
  checkSource,
  isTenantId,
  readOrganization,
  recordSource,
} from '../../load/runs/account-source.ts'
import type { RunContext } from '../run-context.ts'

/**
 * Signs an account in and returns its source, with the tenant of the token where it names one.
 *
 * @throws CosellError `configuration` when another account holds the source.
 */
export async function signIn(
  { warehouse }: RunContext,
  api: ReferralsApi,
  account: AccountConfig,
): Promise<AccountSource> {
  await api.signIn()
  const source = configuredSource(account)
  const signedIn = { ...source, tenantId: comparableTenant(api.tenant()) ?? source.tenantId }
  await checkSource(warehouse.query, account.name, signedIn)
  return signedIn
}

/** Records the source of an account that was read; fills in what earlier versions did not store. */
export async function confirmSource(
  { warehouse: { query } }: RunContext,
  partnerAccountKey: number,
  source: AccountSource,
): Promise<void> {
  const organizationId = source.organizationId ?? (await readOrganization(query, partnerAccountKey))
  await recordSource(query, partnerAccountKey, { ...source, organizationId })
}

/**
 * Source of an account as its settings name it, the access token included.
 *
 * @throws CosellError `configuration` when a given token was issued for another tenant.
 */
export function configuredSource(account: AccountConfig): AccountSource {
  const { apiUrl, accessToken, organizationId = null } = account
  const tenantId = comparableTenant(account.tenantId)
  const issuedFor = comparableTenant(tenantOf(accessToken ?? null))
  if (tenantId !== null && issuedFor !== null && tenantId !== issuedFor && isTenantId(tenantId)) {
    const text =
      `Account "${account.name}": COSELL_TENANT_ID names tenant ${tenantId}, and the access token ` +
      `was issued for tenant ${issuedFor}; nothing was read. Correct the one that is wrong.`
    throw new CosellError('account.other_tenant', text)
  }
  return { apiUrl, tenantId: issuedFor ?? tenantId, organizationId }
}
