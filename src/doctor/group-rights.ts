import { missingGrants } from '../warehouse/access/grants.ts'
import { groups } from '../warehouse/access/roles.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { CheckResult } from './check-result.ts'

const check = 'groups'

/** Checks that the groups exist and have their rights to what cosell made. */
export async function checkGroups(query: Kysely<Database>): Promise<CheckResult> {
  return describeGroups(await missingGrants(query))
}

/** An installation without the groups is complete: its login owns everything. */
export function describeGroups(missing: readonly string[]): CheckResult {
  if (missing.length === 0) {
    return { check, status: 'ok', detail: 'have the rights of their purpose' }
  }
  const remedy =
    `Run \`cosell migrate\` as a member of ${groups.owner}: it grants what it may, and prints what ` +
    'an administrator has to run.'
  const created = missing.filter((statement) => statement.startsWith('create role'))
  if (created.length === Object.keys(groups).length) {
    const detail = 'do not exist: the login that migrates owns everything'
    return { check, status: 'ok', detail }
  }
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : ''
  return { check, status: 'warn', detail: `lack: ${missing[0]}${more}`, remedy }
}
