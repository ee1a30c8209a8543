import type { AccessCatalog, AccessObject, AccessRoles, AccessStep } from './access-catalog.ts'
import {
  closedSchemas,
  type Group,
  groupPurposes,
  groups,
  nameOf,
  rightsOf,
  schemaNames,
} from './roles.ts'
import { isUnderPolicy, rowSecuritySteps } from './row-security.ts'

// Pure: turns an access catalog into the statements that it still needs.

const allGroups: readonly Group[] = Object.values(groups)
const grantedGroups: readonly Group[] = [groups.loader, groups.bi, groups.pii]
/** Last to change hands, because its owner is the owner of what cosell made. */
const ledger = 'etl.migration'

/**
 * Returns the missing steps in the order in which they work; empty when the rights are complete.
 * Rights of other roles to what cosell made in `raw` and `pii` are taken only with `isClosing`.
 */
export function missingSteps(catalog: AccessCatalog, isClosing: boolean): AccessStep[] {
  const groupsWillExist = catalog.may_make_roles || hasGroups(catalog)
  const onObjects = [
    ...missingDatabaseRights(catalog),
    ...ownershipChanges(catalog),
    ...rowSecurityChanges(catalog, isClosing),
  ].map((step) => ({ ...step, mayRun: step.mayRun && groupsWillExist }))
  return [...missingGroups(catalog), ...missingMembers(catalog), ...onObjects].filter(
    ({ statements }) => statements.length > 0,
  )
}

/** Returns the steps of row-level security, after the grants that they need. */
export function rowSecurityChanges(catalog: AccessCatalog, isClosing = false): AccessStep[] {
  // A policy that is left reads the account map, even when the setting is off.
  const isRowSecured = catalog.isRowSecured || catalog.objects.some(isUnderPolicy)
  return [...missingGrants({ ...catalog, isRowSecured }, isClosing), ...rowSecuritySteps(catalog)]
}

/** Returns true when every group exists. */
export function hasGroups({ existing }: Pick<AccessRoles, 'existing'>): boolean {
  return allGroups.every((group) => existing.includes(group))
}

/**
 * Returns one step a group. The login that makes the owners' group joins it: what it made goes to
 * the group, and it has to load and migrate on. No login is put into a group that exists.
 */
function missingGroups(roles: AccessRoles): AccessStep[] {
  const { existing, is_superuser, may_make_roles, role, version } = roles
  const members: Partial<Record<Group, string>> = {
    ...(may_make_roles && !is_superuser
      ? { [groups.owner]: joinStatement(groups.owner, role, version) }
      : {}),
    // Readers of people read the rest as well.
    [groups.pii]: `grant ${groups.bi} to ${groups.pii}`,
  }
  return allGroups
    .filter((group) => !existing.includes(group))
    .map((group) => ({
      statements: [
        `create role ${group} nologin`,
        `comment on role ${group} is '${groupPurposes[group]}'`,
        ...[members[group] ?? []].flat(),
      ],
      mayRun: may_make_roles,
    }))
}

/** Returns the statement that lets a login use the rights of a group; since 16 a grant decides. */
export function joinStatement(group: Group, role: string, version: number): string {
  return `grant ${group} to ${quoted(role)}${version >= 160_000 ? ' with inherit true, set true' : ''}`
}

/** What decides how a login comes to the rights of a group. */
export interface Membership {
  readonly role: string
  /** `server_version_num`. */
  readonly version: number
  /** The login is a member, with or without the rights. */
  readonly is_member: boolean
  /** The login inherits the rights of its groups; before 16 the only switch. */
  readonly is_inheriting: boolean
}

/** Returns the statements that give a login the rights of a group, also where it is NOINHERIT. */
export function joinStatements(group: Group, member: Membership): string {
  const { role, version, is_member, is_inheriting } = member
  const grant = `grant ${group} to ${quoted(role)}`
  if (version >= 160_000) {
    return is_member || !is_inheriting ? `${grant} with inherit true;` : `${grant};`
  }
  const inherit = is_inheriting ? [] : [`alter role ${quoted(role)} inherit;`]
  return [...inherit, ...(is_member ? [] : [`${grant};`])].join(' ')
}

/** Memberships are an administrator's to give, so these are only reported. */
function missingMembers(catalog: AccessCatalog): AccessStep[] {
  const { existing, is_pii_in_bi, objects, role, version, may_make_roles } = catalog
  const statements: string[] = []
  if (existing.includes(groups.pii) && !is_pii_in_bi) {
    statements.push(`grant ${groups.bi} to ${groups.pii}`)
  }
  for (const owner of new Set(ownersOutside(objects))) {
    const isCreator = !existing.includes(groups.owner) && may_make_roles && owner === role
    if (!isCreator) statements.push(joinStatement(groups.owner, owner, version))
  }
  return [{ statements, mayRun: false }]
}

function ownersOutside(objects: readonly AccessObject[]): string[] {
  return objects
    .filter((object) => object.owner !== groups.owner && !object.is_owner_in_group)
    .map(({ owner }) => owner)
}

/** Owners need `create` on the database to add a schema or to receive one. */
function missingDatabaseRights(catalog: AccessCatalog): AccessStep[] {
  if (catalog.may_owner_create) return []
  const statement = `grant create on database ${quoted(catalog.database)} to ${groups.owner}`
  return [{ statements: [statement], mayRun: catalog.may_alter_database }]
}

/**
 * Hands objects to the owners' group, one a step, so that readers wait for one table at a time. The
 * present owner must be in the group, or it could not load and migrate any more.
 */
function ownershipChanges(catalog: AccessCatalog): AccessStep[] {
  const { is_superuser, may_give, may_owner_create, objects } = catalog
  const given = inOrder(objects)
    // A sequence changes owner with its table.
    .filter(({ owner, kind }) => owner !== groups.owner && kind !== 'sequence')
    .map((object) => ({
      name: nameOf(object),
      statements: [`alter ${object.kind} ${nameOf(object)} owner to ${groups.owner}`],
      mayRun:
        object.may_alter &&
        object.is_owner_in_group &&
        (is_superuser || (may_give && may_owner_create)),
    }))
  const isLedger = ({ name }: { name: string }) => name === ledger
  return [...given.filter((step) => !isLedger(step)), ...given.filter(isLedger)]
}

function inOrder(objects: readonly AccessObject[]): AccessObject[] {
  return schemaNames.flatMap((schema) => objects.filter((object) => object.schema === schema))
}

function missingGrants(catalog: AccessCatalog, isClosing: boolean): AccessStep[] {
  return schemaNames.flatMap((schema) => {
    const objects = catalog.objects.filter((object) => object.schema === schema)
    return [true, false].map((mayRun) => ({
      mayRun,
      statements: grantStatements(
        objects.filter(({ may_alter }) => may_alter === mayRun),
        catalog,
        isClosing,
      ),
    }))
  })
}

/** Returns the statements that close `raw` and `pii` to all roles but the groups. */
export function closingStatements(objects: readonly AccessObject[]): string[] {
  const statements = new Statements()
  for (const object of objects) revokeFromOthers(statements, object)
  return statements.texts()
}

/** Collects one statement for each set of rights and role, naming all objects that need it. */
class Statements {
  private readonly names = new Map<string, Set<string>>()

  add(verb: string, rights: readonly string[], object: AccessObject, whom: string) {
    if (rights.length === 0) return
    const keyword = object.kind === 'view' ? 'table' : object.kind
    const key = `${verb} ${rights.join(', ')} on ${keyword} | ${whom}`
    this.names.set(key, (this.names.get(key) ?? new Set()).add(nameOf(object)))
  }

  texts(): string[] {
    return [...this.names].map(([key, tables]) => key.replace('|', () => [...tables].join(', ')))
  }
}

function grantStatements(
  objects: readonly AccessObject[],
  catalog: AccessCatalog,
  isClosing: boolean,
): string[] {
  const statements = new Statements()
  for (const object of objects) {
    for (const group of grantedGroups) {
      const wanted = rightsOf(group, object, catalog)
      const held = rightsHeld(object, group)
      // A right to a schema opens nothing that cosell made; who gave it may need it.
      const surplus = object.kind === 'schema' ? [] : held.filter((it) => !wanted.includes(it))
      statements.add('revoke', surplus, object, `from ${group} cascade`)
      const missing = wanted.filter((right) => !held.includes(right))
      statements.add('grant', missing, object, `to ${group}`)
    }
    if (object.kind === 'schema') continue
    statements.add('revoke', rightsHeld(object, 'public'), object, 'from public cascade')
    if (isClosing) revokeFromOthers(statements, object)
  }
  return statements.texts()
}

function rightsHeld({ held }: AccessObject, grantee: string): string[] {
  return [...new Set(held.filter((it) => it.grantee === grantee).map(({ right }) => right))]
}

/** The right to pass a right on is taken from the groups too: it would open the object again. */
function revokeFromOthers(statements: Statements, object: AccessObject): void {
  if (object.kind === 'schema' || !closedSchemas.includes(object.schema)) return
  for (const grantee of new Set(object.held.map((it) => it.grantee))) {
    const isGroup = (allGroups as readonly string[]).includes(grantee)
    const whom = `from ${isGroup || grantee === 'public' ? grantee : quoted(grantee)} cascade`
    const held = object.held.filter((it) => it.grantee === grantee)
    const taken = isGroup ? held.filter((it) => it.is_grantable) : held
    const rights = [...new Set(taken.map(({ right }) => right))]
    statements.add(isGroup ? 'revoke grant option for' : 'revoke', rights, object, whom)
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
