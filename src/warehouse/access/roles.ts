import { type TableName, tables } from '../tables.generated.ts'

// Pure: what migrations make, and the rights to it. `grant-statements.ts` compares it with the catalog.

/** Groups that logins become members of; none can sign in. A server has one of each. */
export const groups = {
  owner: 'cosell_owner',
  loader: 'cosell_loader',
  bi: 'cosell_bi',
  pii: 'cosell_pii',
} as const
export type Group = (typeof groups)[keyof typeof groups]

/** Login that cosell makes on the embedded server, in the group of readers. */
export const biLogin = 'cosell_reader'

/** Purpose of each group; stored as the comment of the role. */
export const groupPurposes: Readonly<Record<Group, string>> = {
  cosell_owner: 'cosell: owns the schemas and what is in them; its members may migrate.',
  cosell_loader: 'cosell: its members run the loads. Rows only, no tables made or changed.',
  cosell_bi: 'cosell: its members read dw and mart; no people, no payloads.',
  cosell_pii: 'cosell: as cosell_bi, and people and free text too.',
}

export const schemaNames = ['raw', 'pii', 'etl', 'stg', 'dw', 'mart'] as const

/** Schema or object that rights are granted on, as the catalog names it. */
export interface GrantTarget {
  readonly kind: 'schema' | 'table' | 'view' | 'sequence' | 'function'
  readonly schema: string
  /** Empty for a schema; of a function with the types of its arguments. */
  readonly name: string
  /** Table that a sequence belongs to, as `dw.dim_tag`; null or absent for other kinds. */
  readonly table?: string | null
}

/** Facts of the server and its settings that the rights depend on. */
export interface RightsContext {
  /** `server_version_num`. */
  readonly version: number
  readonly isRowSecured: boolean
}

type KeptTable = Exclude<TableName, `stg.${string}`>

const publishedRights = 'select insert update delete maintain'
const stagedRights = 'select insert update delete truncate maintain'
/** The list of a full read survives a crash and is deleted run by run. */
const listedRights = 'select insert delete maintain'

/** Rights that loading needs to each table; a new table fails to compile until it is listed. */
const loaderRights = {
  // Erased people are taken out of what is landed; a purge deletes superseded versions and old runs.
  'raw.payload': publishedRights,
  'pii.contact': publishedRights,
  'pii.contact_change': publishedRights,
  // A run enters what the file in COSELL_HOME has, and notes that it was carried out.
  'pii.erasure': 'select insert update',
  'pii.payload': publishedRights,
  'pii.referral_text': publishedRights,
  'pii.secret': 'select',
  // What is in it is run as a program: only owners write it.
  'etl.account': 'select',
  'etl.account_source': 'select insert update',
  'etl.api_capability': 'select insert update delete',
  'etl.bi_access': '',
  'etl.enum_value': 'select insert',
  'etl.extract_window': publishedRights,
  'etl.fx_quote': publishedRights,
  'etl.lease': 'select insert update',
  // Read by every command, to learn which views of mart are current.
  'etl.mart_view': 'select',
  'etl.mart_grant': '',
  'etl.quarantine': 'select insert update',
  'etl.run': publishedRights,
  'etl.run_table': 'select insert delete maintain',
  // The reporting currency and the fiscal year of the configuration are stored here.
  'etl.setting': 'select insert update',
  // The newest refresh token, encrypted; `forget` and `account rename` follow it.
  'etl.sign_in': 'select insert update delete',
  'etl.principal_referral': 'select insert maintain',
  'dw.bridge_line_incentive': publishedRights,
  'dw.bridge_referral_seller': publishedRights,
  'dw.bridge_referral_tag': publishedRights,
  'dw.dim_currency': 'select insert',
  'dw.dim_customer': 'select insert maintain',
  // Labels follow the fiscal year of the configuration.
  'dw.dim_date': 'select update',
  'dw.dim_engagement': publishedRights,
  // Locked while accounts are numbered, which takes a right to change rows.
  'dw.dim_partner_account': 'select insert update',
  'dw.dim_referral': 'select insert update maintain',
  // An erased person is made unknown in place.
  'dw.dim_seller': 'select insert update maintain',
  'dw.dim_solution': 'select insert update maintain',
  'dw.dim_status': 'select insert',
  'dw.dim_tag': 'select insert update maintain',
  // Filled by migrations.
  'dw.documented_enum_value': 'select',
  'dw.fact_acv_schedule': publishedRights,
  'dw.fact_engagement_history': publishedRights,
  'dw.fact_finding': publishedRights,
  'dw.fact_microsoft_acv': publishedRights,
  'dw.fact_referral': publishedRights,
  'dw.fact_referral_history': publishedRights,
  'dw.fact_referral_solution': publishedRights,
  'dw.fact_registration': publishedRights,
  'dw.fact_registration_eligibility': publishedRights,
  'dw.fact_registration_review': publishedRights,
  'dw.fact_registration_solution': publishedRights,
  // The part of the ledger that readers see is cut with it.
  'dw.fact_run': publishedRights,
  'dw.fact_solution_change': publishedRights,
  'dw.fx_rate': publishedRights,
} satisfies Record<KeptTable, string>

/** An initial load reserves their keys; rows that SQL inserts need no right to the sequence. */
const reservedTables = [
  'dw.dim_customer',
  'dw.dim_referral',
  'dw.dim_seller',
  'dw.dim_solution',
  'dw.dim_tag',
]
/** Kysely's ledger: `cosell run` checks whether a migration is due. */
const migrationTables = ['etl.migration', 'etl.migration_lock']

/** The findings by the name that they had before they were readers' too. */
const formerFindings = 'etl.dq_finding'

/**
 * Tables and views that migrations make, by name. The views of `mart` are in etl.mart_view, and a
 * sequence is known by its table. Anything else in our schemas was made by others.
 */
export const madeTables: readonly string[] = [
  ...Object.keys(tables),
  ...migrationTables,
  // A table before it was a view: the owner has to have it in order to move it.
  formerFindings,
]
export const madeViews: readonly string[] = [
  formerFindings,
  'etl.visible_account',
  'pii.referral_change',
  'pii.seller',
]
/** Functions of `mart`; the file of a view makes them. */
export const madeFunctions: readonly string[] = [
  'deal_movement_between',
  'pipeline_movement_between',
]

/** Schemas with people: what cosell made there is open to its groups alone. */
export const closedSchemas: readonly string[] = ['raw', 'pii']

const personTables = ['pii.contact', 'pii.contact_change', 'pii.referral_text']
/** Views that read them with the rights of the reader. */
const personViews = ['pii.referral_change', 'pii.seller']
/** Readers have no `usage` on `etl`, so the policies alone can read it. */
const accountMap = 'etl.bi_access'

/** First version with MAINTAIN; before PostgreSQL 17 only owners may analyze. */
export const maintainSince = 170_000

/** Returns the rights that a group needs on a target, in the words of GRANT. */
export function rightsOf(group: Group, target: GrantTarget, setting: RightsContext): string[] {
  const words = target.kind === 'schema' ? schemaRights(group, target.schema) : onObject()
  return words
    .split(' ')
    .filter((word) => word !== '')
    .filter((word) => word !== 'maintain' || setting.version >= maintainSince)

  function onObject(): string {
    if (group === groups.loader) return loaderObjectRights(target)
    if (group === groups.bi) return readerRights(target, setting)
    const isOfPeople = [...personTables, ...personViews].includes(nameOf(target))
    return group === groups.pii && isOfPeople ? 'select' : ''
  }
}

function schemaRights(group: Group, schema: string): string {
  if (group === groups.loader) return 'usage'
  if (group === groups.bi) return schema === 'dw' || schema === 'mart' ? 'usage' : ''
  return group === groups.pii && schema === 'pii' ? 'usage' : ''
}

function loaderObjectRights(target: GrantTarget): string {
  const name = nameOf(target)
  if (target.kind === 'sequence') return reservedTables.includes(target.table ?? '') ? 'usage' : ''
  // `cosell report` and `cosell status` run as the loader too.
  if (target.kind === 'view') {
    return target.schema === 'mart' || name === formerFindings ? 'select' : ''
  }
  if (target.kind === 'function') return 'execute'
  if (target.schema === 'stg')
    return target.name === 'listed_referral' ? listedRights : stagedRights
  if (migrationTables.includes(name)) return 'select'
  return (loaderRights as Readonly<Record<string, string>>)[name] ?? ''
}

/** A copy by pg_dump reads the sequences of `dw` too. */
function readerRights(target: GrantTarget, { isRowSecured }: RightsContext): string {
  if (target.kind === 'function') return 'execute'
  if (target.schema === 'dw' || target.schema === 'mart') return 'select'
  return isRowSecured && nameOf(target) === accountMap ? 'select' : ''
}

/** Returns true when row-level security applies to the table: every table that readers may read. */
export function isRowSecurable(table: GrantTarget): boolean {
  return table.schema === 'dw' || personTables.includes(nameOf(table))
}

export function nameOf({ schema, name }: GrantTarget): string {
  return name === '' ? schema : `${schema}.${name}`
}
