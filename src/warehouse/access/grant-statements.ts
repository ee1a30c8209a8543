import type { AccessCatalog, AccessObject, AccessRoles, AccessStep } from './access-catalog.ts'
import { type Group, groupPurposes, groups, nameOf, rightsOf, schemaNames } from './roles.ts'
import { isUnderPolicy, rowSecuritySteps } from './row-security.ts'

// Pure: turns an access catalog into the statements that it still needs.

const allGroups: readonly Group[] = Object.values(groups)

/** Returns the missing steps in the order in which they work; empty when the rights are complete. */
export function missingSteps(catalog: AccessCatalog): AccessStep[] {
  const groupsWillExist = catalog.may_make_roles || hasGroups(catalog)
  const onObjects = [
    ...missingMembers(catalog),
    ...missingDatabaseRights(catalog),
    ...ownershipChanges(catalog),
    ...rowSecurityChanges(catalog),
  ].map((step) => ({ ...step, mayRun: step.mayRun && groupsWillExist }))
  return [...missingGroups(catalog), ...onObjects].filter(({ statements }) => statements.length > 0)
}

/** Returns the steps of row-level security, after the grants that they need. */
export function rowSecurityChanges(catalog: AccessCatalog): AccessStep[] {
  // A policy that is left reads the account map, even when the setting is off.
  const isRowSecured = catalog.isRowSecured || catalog.objects.some(isUnderPolicy)
  return [...missingGrants({ ...catalog, isRowSecured }), ...rowSecuritySteps(catalog)]
}

/** Returns true when every group exists. */
export function hasGroups({ existing }: Pick<AccessRoles, 'existing'>): boolean {
  return allGroups.every((group) => existing.includes(group))
}

function missingGroups({ existing, may_make_roles }: AccessCatalog): AccessStep[] {
  return allGroups
    .filter((group) => !existing.includes(group))
    .map((group) => ({
      statements: [
        `create role ${group} nologin`,
        `comment on role ${group} is '${groupPurposes[group]}'`,
      ],
      mayRun: may_make_roles,
    }))
}

/** Readers of people read the rest as well, and owners of tables can still migrate. */
function missingMembers(catalog: AccessCatalog): AccessStep[] {
  const owners = catalog.objects.filter(
    ({ owner, is_owner_superuser }) => owner !== groups.owner && !is_owner_superuser,
  )
  const wanted = [
    [groups.bi, groups.pii],
    ...[...new Set(owners.map(({ owner }) => owner))].map((owner) => [groups.owner, owner]),
  ] as const
  const options = catalog.version >= 160_000 ? ' with inherit true, set true' : ''
  return wanted
    .filter(([group, member]) => !catalog.members.some(([g, m]) => g === group && m === member))
    .map(([group = '', member = '']) => ({
      statements: [`grant ${group} to ${quoted(member)}${options}`],
      mayRun: catalog.is_superuser || catalog.administered.includes(group) || isNew(catalog, group),
    }))
}

/** The creator of a role may add members to it. */
function isNew({ existing, may_make_roles }: AccessCatalog, group: string): boolean {
  return may_make_roles && !existing.includes(group)
}

/** Owners need `create` on the database to add a schema or to receive one. */
function missingDatabaseRights(catalog: AccessCatalog): AccessStep[] {
  if (catalog.may_owner_create) return []
  const statement = `grant create on database ${quoted(catalog.database)} to ${groups.owner}`
  return [{ statements: [statement], mayRun: catalog.may_alter_database }]
}

/**
 * Hands objects to the owners' group, one a step, so that readers wait for one table at a time. The
 * present owner must be in the group to migrate later; a superuser need not be.
 */
function ownershipChanges(catalog: AccessCatalog): AccessStep[] {
  const isReady = (owner: string) =>
    catalog.is_superuser ||
    (catalog.may_owner_create &&
      catalog.members.some(([group, member]) => group === groups.owner && member === owner))
  return (
    inOrder(catalog.objects)
      // A sequence changes owner with its table.
      .filter(({ owner, kind }) => owner !== groups.owner && kind !== 'sequence')
      .map((object) => ({
        statements: [`alter ${object.kind} ${nameOf(object)} owner to ${groups.owner}`],
        mayRun: object.may_alter && isReady(object.owner),
      }))
  )
}

function inOrder(objects: readonly AccessObject[]): AccessObject[] {
  return schemaNames.flatMap((schema) => objects.filter((object) => object.schema === schema))
}

function missingGrants(catalog: AccessCatalog): AccessStep[] {
  return schemaNames.flatMap((schema) => {
    const objects = catalog.objects.filter((object) => object.schema === schema)
    return [true, false].map((mayRun) => ({
      mayRun,
      statements: grantStatements(
        objects.filter(({ may_alter }) => may_alter === mayRun),
        catalog,
      ),
    }))
  })
}

/** Returns one statement for each set of rights and group, naming all objects that need it. */
function grantStatements(objects: readonly AccessObject[], catalog: AccessCatalog): string[] {
  const names = new Map<string, string[]>()
  const add = (verb: string, rights: string[], object: AccessObject, whom: string) => {
    if (rights.length === 0) return
    const keyword = object.kind === 'view' ? 'table' : object.kind
    const key = `${verb} ${rights.join(', ')} on ${keyword} | ${whom}`
    names.set(key, [...(names.get(key) ?? []), nameOf(object)])
  }
  for (const object of objects) {
    for (const group of [groups.loader, groups.bi, groups.pii, 'public'] as const) {
      const wanted = group === 'public' ? [] : rightsOf(group, object, catalog)
      const held = object.grants[group] ?? []
      const isMore = (right: string) => !wanted.includes(right)
      add('revoke', held.filter(isMore), object, `from ${group}`)
      add(
        'grant',
        wanted.filter((right) => !held.includes(right)),
        object,
        `to ${group}`,
      )
    }
  }
  return [...names].map(([key, tables]) => key.replace('|', tables.join(', ')))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
