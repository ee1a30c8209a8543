import type { GrantTarget } from './roles.ts'

/** A schema or an object in it, with its owner and the rights of our groups. */
export interface AccessObject extends GrantTarget {
  readonly owner: string
  readonly is_owner_superuser: boolean
  /** The role of the connection has the owner's rights. */
  readonly may_alter: boolean
  /** Rights by our groups and `public`, without the owner's own. */
  readonly grants: Readonly<Record<string, readonly string[]>>
  readonly is_row_secured: boolean
  readonly policies: readonly string[]
  readonly has_account: boolean
}

/** Facts of the server, its database and its roles that the statements depend on. */
export interface AccessRoles {
  /** `server_version_num`. */
  readonly version: number
  readonly database: string
  readonly is_superuser: boolean
  readonly may_make_roles: boolean
  readonly may_alter_database: boolean
  readonly existing: readonly string[]
  /** Pairs of group and member, `cosell_owner` and `alice`; inherited ones too. */
  readonly members: readonly (readonly [string, string])[]
  /** Groups to which the role of the connection may add members. */
  readonly administered: readonly string[]
  readonly may_owner_create: boolean
}

export interface AccessCatalog extends AccessRoles {
  readonly objects: readonly AccessObject[]
  /** `row_level_security` of etl.setting. */
  readonly isRowSecured: boolean
}

/** Statements that belong in one transaction. */
export interface AccessStep {
  readonly statements: readonly string[]
  /** The role of the connection is expected to be allowed to run them. */
  readonly mayRun: boolean
}
