import type { AccessCatalog, AccessObject, AccessStep } from './access-catalog.ts'
import { groups, isRowSecurable, nameOf } from './roles.ts'

// Pure: row-level security by account as statements. It is taken only from tables that carry our
// policies; a table secured by other policies keeps them.

const policies = { reader: 'cosell_reader', loader: 'cosell_loader' } as const

/**
 * Accounts that etl.bi_access gives to the current role or to one of its groups. As an array it is
 * a plan of its own that runs once a statement, and an index on the account can be searched.
 */
const accountsOfReader =
  'array(select access.partner_account_key from etl.bi_access access ' +
  'join pg_catalog.pg_roles role on role.rolname = access.role_name ' +
  "where pg_has_role(role.oid, 'usage'))"

/** Returns true when a policy of ours hides rows of the table from readers. */
export function isUnderPolicy(table: Pick<AccessObject, 'policies'>): boolean {
  return table.policies.includes(policies.reader)
}

/** Returns one step a table, so that no load waits for more than one of them. */
export function rowSecuritySteps(catalog: AccessCatalog): AccessStep[] {
  return catalog.objects.map((table) => ({
    statements: statementsFor(table, catalog.isRowSecured),
    mayRun: table.may_alter,
  }))
}

function statementsFor(table: AccessObject, isOn: boolean): string[] {
  if (table.kind !== 'table' || !table.has_account || !isRowSecurable(table)) return []
  const name = nameOf(table)
  const existing = Object.values(policies).filter((policy) => table.policies.includes(policy))
  if (!isOn) {
    if (existing.length === 0) return []
    return [
      `alter table ${name} disable row level security`,
      ...existing.map((policy) => `drop policy ${policy} on ${name}`),
    ]
  }
  const made = {
    [policies.reader]:
      `create policy ${policies.reader} on ${name} for select to ${groups.bi} ` +
      `using (partner_account_key = any (${accountsOfReader}))`,
    [policies.loader]:
      `create policy ${policies.loader} on ${name} to ${groups.loader} ` +
      'using (true) with check (true)',
  }
  return [
    ...Object.values(policies)
      .filter((policy) => !existing.includes(policy))
      .map((policy) => made[policy]),
    ...(table.is_row_secured ? [] : [`alter table ${name} enable row level security`]),
  ]
}
