import { sql } from 'kysely'
import type { AccountConfig } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import { countInvented } from '../../exchange-rates/store.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** Name of the account of the demo. */
export const demoAccount = 'demo'
/** Tenant in the settings of the demo. No real tenant has it: they are named by an id or a domain. */
const demoTenant = 'sandbox'

/** Whether the warehouse holds the account of the demo; a real account may have its name. */
export async function holdsDemo(query: Kysely<Database>): Promise<boolean> {
  const found = await query
    .selectFrom('dw.dim_partner_account')
    .select('partner_account_key')
    .where('account_code', '=', demoAccount)
    .where(sql`lower(tenant_id)`, '=', demoTenant)
    .execute()
  return found.length > 0
}

/**
 * Refuses to load an account into a warehouse with the demo, also with an empty or half loaded one,
 * or with its exchange rates alone. The demo itself is no other account.
 *
 * @throws CosellError `configuration` naming the command that removes the demo.
 */
export async function refuseBesideDemo(
  query: Kysely<Database>,
  { name, tenantId }: Pick<AccountConfig, 'name' | 'tenantId'>,
): Promise<void> {
  if (name === demoAccount && tenantId?.toLowerCase() === demoTenant) return
  const isHeld = await holdsDemo(query)
  if (!isHeld && (await countInvented(query)) === 0) return
  const what = isHeld ? `the account "${demoAccount}" of the demo` : 'exchange rates of the demo'
  const text =
    `The warehouse holds ${what}, and account "${name}" would be mixed with invented figures; ` +
    `nothing was read. Run \`cosell forget --account ${demoAccount}\` to remove the demo, then run ` +
    'again.'
  throw new CosellError('account.demo', text)
}
