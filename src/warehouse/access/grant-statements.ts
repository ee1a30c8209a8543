import {
  type Granted,
  type Group,
  groupPurposes,
  groups,
  nameOf,
  rightsOf,
  schemaNames,
} from './roles.ts'
import { isUnderPolicy, rowSecuritySteps } from './row-security.ts'

// Pure: what the catalog says goes in, the statements that bring it up to the list come out.

/** A schema or something in it, with who owns it and what our groups may. */
export interface Owned extends Granted {
  readonly owner: string
  readonly is_owner_superuser: boolean
  /** The role of the connection has the owner's rights. */
  readonly may_alter: boolean
  /** Of our groups, and `public`; the owner's own rights are not among them. */
  readonly grants: Readonly<Record<string, readonly string[]>>
  readonly is_row_secured: boolean
  readonly policies: readonly string[]
  readonly has_account: boolean
}

/** What of roles and database our statements rest on. */
export interface Roles {
  readonly version: number
  readonly database: string
  readonly is_superuser: boolean
  readonly may_make_roles: boolean
  readonly may_alter_database: boolean
  readonly existing: readonly string[]
  /** Pairs of group and member, `cosell_owner` and `alice`; inherited ones too. */
  readonly members: readonly (readonly [string, string])[]
  /** Groups into which the role of the connection may put others. */
  readonly administered: readonly string[]
  readonly may_owner_create: boolean
}

export interface AccessCatalog extends Roles {
  readonly objects: readonly Owned[]
  /** `row_level_security` of etl.setting. */
  readonly isRowSecured: boolean
}

/** Statements that belong in one transaction. */
export interface AccessStep {
  readonly statements: readonly string[]
  /** Whether the role of the connection can be expected to be allowed to. */
  readonly mayRun: boolean
}

const allGroups: readonly Group[] = Object.values(groups)

/** The steps that lack, in the order in which they work; none when everything is as the list says. */
export function lackingSteps(catalog: AccessCatalog): AccessStep[] {
  const areGroupsToBe = catalog.may_make_roles || hasGroups(catalog)
  const onObjects = [
    ...lackingMembers(catalog),
    ...lackingDatabaseRights(catalog),
    ...foreignObjects(catalog),
    ...switchingSteps(catalog),
  ].map((step) => ({ ...step, mayRun: step.mayRun && areGroupsToBe }))
  return [...lackingGroups(catalog), ...onObjects].filter(({ statements }) => statements.length > 0)
}

/** Those of row-level security and what it needs before. */
export function switchingSteps(catalog: AccessCatalog): AccessStep[] {
  // As long as one policy is left it reads the map, whatever the switch says.
  const isRowSecured = catalog.isRowSecured || catalog.objects.some(isUnderPolicy)
  return [...lackingGrants({ ...catalog, isRowSecured }), ...rowSecuritySteps(catalog)]
}

/** Whether every group is there. */
export function hasGroups({ existing }: Pick<Roles, 'existing'>): boolean {
  return allGroups.every((group) => existing.includes(group))
}

function lackingGroups({ existing, may_make_roles }: AccessCatalog): AccessStep[] {
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

/** Readers of people read the rest as well, and whoever owns the tables stays able to migrate. */
function lackingMembers(catalog: AccessCatalog): AccessStep[] {
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

/** Whoever makes a role may put others into it. */
function isNew({ existing, may_make_roles }: AccessCatalog, group: string): boolean {
  return may_make_roles && !existing.includes(group)
}

/** A new schema is made in the database, and given to nobody else who may not make one. */
function lackingDatabaseRights(catalog: AccessCatalog): AccessStep[] {
  if (catalog.may_owner_create) return []
  const statement = `grant create on database ${quoted(catalog.database)} to ${groups.owner}`
  return [{ statements: [statement], mayRun: catalog.may_alter_database }]
}

/**
 * What does not belong to the owners' group yet, one by one, so that readers wait for one table at a
 * time. Who gives it away must be in the group, or could not migrate any more; a superuser can.
 */
function foreignObjects(catalog: AccessCatalog): AccessStep[] {
  const isReady = (owner: string) =>
    catalog.is_superuser ||
    (catalog.may_owner_create &&
      catalog.members.some(([group, member]) => group === groups.owner && member === owner))
  return (
    inOrder(catalog.objects)
      // A sequence goes with its table.
      .filter(({ owner, kind }) => owner !== groups.owner && kind !== 'sequence')
      .map((object) => ({
        statements: [`alter ${object.kind} ${nameOf(object)} owner to ${groups.owner}`],
        mayRun: object.may_alter && isReady(object.owner),
      }))
  )
}

function inOrder(objects: readonly Owned[]): Owned[] {
  return schemaNames.flatMap((schema) => objects.filter((object) => object.schema === schema))
}

function lackingGrants(catalog: AccessCatalog): AccessStep[] {
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

/** One statement for all tables of a schema between which and a group the same rights lack. */
function grantStatements(objects: readonly Owned[], catalog: AccessCatalog): string[] {
  const names = new Map<string, string[]>()
  const add = (verb: string, rights: string[], object: Owned, whom: string) => {
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
