import type { AccessCatalog, AccessStep, Owned } from './grant-statements.ts'
import { groups, isSecuredByRow, nameOf } from './roles.ts'

// Pure: row-level security by account as statements. Only tables that carry our policies are ours to
// take it from; whoever has secured a table by policies of their own keeps them.

const policies = { reader: 'cosell_reader', loader: 'cosell_loader' } as const

/**
 * The accounts that etl.bi_access gives to the current role or to a group that it is in, asked once
 * a statement: as an array it is a plan of its own, and an index on the account can be searched.
 */
const accountsOfReader =
  'array(select access.partner_account_key from etl.bi_access access ' +
  'join pg_catalog.pg_roles role on role.rolname = access.role_name ' +
  "where pg_has_role(role.oid, 'usage'))"

/** Whether readers see only some rows of it, by a policy of ours. */
export function isUnderPolicy(table: Pick<Owned, 'policies'>): boolean {
  return table.policies.includes(policies.reader)
}

/** A step a table, so that no load waits for more than one of them. */
export function rowSecuritySteps(catalog: AccessCatalog): AccessStep[] {
  return catalog.objects.map((table) => ({
    statements: statementsFor(table, catalog.isRowSecured),
    mayRun: table.may_alter,
  }))
}

function statementsFor(table: Owned, isOn: boolean): string[] {
  if (table.kind !== 'table' || !table.has_account || !isSecuredByRow(table)) return []
  const name = nameOf(table)
  const kept = Object.values(policies).filter((policy) => table.policies.includes(policy))
  if (!isOn) {
    if (kept.length === 0) return []
    return [
      `alter table ${name} disable row level security`,
      ...kept.map((policy) => `drop policy ${policy} on ${name}`),
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
      .filter((policy) => !kept.includes(policy))
      .map((policy) => made[policy]),
    ...(table.is_row_secured ? [] : [`alter table ${name} enable row level security`]),
  ]
}
