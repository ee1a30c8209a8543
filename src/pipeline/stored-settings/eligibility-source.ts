import { sql } from 'kysely'
import type { AccountConfig } from '../../config.ts'
import { policyAddress } from '../../extract/api/policies.ts'
import { eligibilityOf } from '../../load/runs/settings.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

const settingName = 'eligibility_source'

type Apis = readonly Pick<AccountConfig, 'apiUrl'>[]

/**
 * Stores where the eligibility policies are, so that a rebuild finds them where the runs did. Returns
 * true when the stored place was another one. Nothing is stored when the setting is not given.
 *
 * @throws CosellError `configuration` when it is an address that is not at the API of every account.
 */
export async function storeEligibilitySource(
  query: Kysely<Database>,
  given: string | undefined,
  accounts: Apis,
): Promise<boolean> {
  if (given === undefined || given === (await readStored(query))) return false
  checkPlace(given, accounts)
  await query
    .insertInto('etl.setting')
    .values({ setting_name: settingName, setting_value: given })
    .onConflict((on) =>
      on.column('setting_name').doUpdateSet({ setting_value: sql`excluded.setting_value` }),
    )
    .execute()
  return true
}

/**
 * Checks the stored place, which may have been changed by hand, before anything is sent.
 *
 * @throws CosellError `configuration` as `storeEligibilitySource`, and when there is no place.
 */
export async function checkEligibilitySource(
  query: Kysely<Database>,
  accounts: Apis,
): Promise<void> {
  checkPlace(await readStored(query), accounts)
}

async function readStored(query: Kysely<Database>): Promise<string | undefined> {
  const stored = await query
    .selectFrom('etl.setting')
    .select('setting_value')
    .where('setting_name', '=', settingName)
    .executeTakeFirst()
  return stored?.setting_value
}

function checkPlace(place: string | undefined, accounts: Apis): void {
  const { eligibilityTemplate: template } = eligibilityOf(place)
  if (template === null) return
  for (const { apiUrl } of accounts) policyAddress(new URL(apiUrl), template, 'id')
}
