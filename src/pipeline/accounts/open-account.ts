import type { AccountConfig } from '../../config.ts'
import { checkReferralsAreNew, checkSource, sameSource } from '../../load/runs/account-source.ts'
import { enterAccount } from '../../load/runs/accounts.ts'
import { splitPii } from '../../transform/pii/split-pii.ts'
import { openApi } from '../account-api.ts'
import type { RunContext } from '../run-context.ts'
import { configuredSource, signIn } from './account-source.ts'
import { refuseBesideDemo } from './demo-account.ts'

/**
 * Returns the key of a configured account. A new account is entered once it is known to be a source of
 * its own: it signs in, and the referrals of its first page are compared with the landed ones. A
 * failure until then leaves nothing of it behind.
 *
 * @throws CosellError `configuration` when another account holds the source, or the warehouse holds the
 * demo.
 */
export async function openAccount(context: RunContext, account: AccountConfig): Promise<number> {
  const { query } = context.warehouse
  await refuseBesideDemo(query, account)
  const stored = await checkSource(query, account.name, configuredSource(account))
  if (stored?.isLoaded) return stored.key
  const api = openApi(context, account)
  try {
    const source = await signIn(context, api, account)
    // The oldest referrals: those that another name was given long ago are surely among them.
    const { referrals } = await api.getPage({ orderBy: 'createdDateTime asc' })
    const ids = referrals.flatMap((referral) => splitPii(referral).resourceId ?? [])
    await checkReferralsAreNew(query, account.name, ids)
    const twin = context.firstPages?.claim(account.name, ids)
    if (twin !== undefined) {
      const what = `${twin.shared} of the ${new Set(ids).size} referrals of its first page`
      throw sameSource(account.name, twin.name, what, stored !== undefined)
    }
    const organizationId = source.organizationId ?? mostNamed(referrals)
    return await enterAccount(query, account, { ...source, organizationId })
  } finally {
    await api.close()
  }
}

/** Organisation that most referrals of a page name; null when none does. */
function mostNamed(referrals: readonly unknown[]): string | null {
  const counts = new Map<string, number>()
  for (const referral of referrals) {
    const id: unknown = Object(referral).organizationId
    if (typeof id === 'string' && id !== '') counts.set(id, 1 + (counts.get(id) ?? 0))
  }
  const [most] = [...counts].sort(([, one], [, other]) => other - one)
  return most?.[0] ?? null
}
