import type { TableName } from '../tables.generated.ts'

// Pure: who may do what, as a list. What follows from it is in `access-statements.ts`.

/** Groups that logins are put into; nobody signs in as one. A server has one of each. */
export const groups = {
  owner: 'cosell_owner',
  loader: 'cosell_loader',
  bi: 'cosell_bi',
  pii: 'cosell_pii',
} as const
export type Group = (typeof groups)[keyof typeof groups]

/** What each group is for; stored as the comment of the role. */
export const groupPurposes: Readonly<Record<Group, string>> = {
  cosell_owner: 'cosell: owns the schemas and what is in them; its members may migrate.',
  cosell_loader: 'cosell: its members run the loads. Rows only, no tables made or changed.',
  cosell_bi: 'cosell: its members read dw and mart; no people, no payloads.',
  cosell_pii: 'cosell: as cosell_bi, and people and free text too.',
}

export const schemaNames = ['raw', 'pii', 'etl', 'stg', 'dw', 'mart'] as const

/** Something that is granted on, as the catalog names it. */
export interface Granted {
  readonly kind: 'schema' | 'table' | 'view' | 'sequence'
  readonly schema: string
  /** Empty for a schema. */
  readonly name: string
}

/** What the rights depend on beside the list. */
export interface Setting {
  /** `server_version_num`. */
  readonly version: number
  readonly isRowSecured: boolean
}

type KeptTable = Exclude<TableName, `stg.${string}`>

const published = 'select insert update delete maintain'
const staged = 'select insert update delete truncate maintain'
/** What full reads saw must survive a crash, and goes run by run. */
const seen = 'select insert delete maintain'

/** What loading does to each table; a new table fails to compile until it is listed. */
const loaderRights = {
  'raw.payload': 'select insert maintain',
  'pii.contact': published,
  'pii.erasure': 'select',
  'pii.payload': 'select insert maintain',
  'pii.referral_text': published,
  'pii.secret': 'select',
  'etl.api_capability': 'select insert update delete',
  'etl.bi_access': '',
  'etl.dq_finding': published,
  'etl.enum_value': 'select insert',
  'etl.extract_window': 'select insert update',
  'etl.fx_quote': published,
  'etl.lease': 'select insert update',
  // Looked at by every command: which views of mart are in force.
  'etl.mart_view': 'select',
  'etl.mart_grant': '',
  'etl.quarantine': 'select insert update',
  'etl.run': 'select insert update',
  'etl.run_table': 'select insert',
  // The reporting currency of the configuration is stored here.
  'etl.setting': 'select insert update',
  'etl.principal_referral': 'select insert maintain',
  'dw.bridge_line_incentive': published,
  'dw.bridge_referral_tag': published,
  'dw.dim_currency': 'select insert',
  'dw.dim_customer': 'select insert maintain',
  'dw.dim_date': 'select',
  // Locked while accounts are numbered, which takes a right to change rows.
  'dw.dim_partner_account': 'select insert update',
  'dw.dim_referral': 'select insert update maintain',
  'dw.dim_solution': 'select insert update maintain',
  'dw.dim_status': 'select insert',
  'dw.dim_tag': 'select insert update maintain',
  'dw.fact_acv_schedule': published,
  'dw.fact_referral': published,
  'dw.fact_referral_history': published,
  'dw.fact_referral_solution': published,
  'dw.fact_registration': published,
  'dw.fact_registration_eligibility': published,
  'dw.fact_registration_solution': published,
  'dw.fx_rate': published,
} satisfies Record<KeptTable, string>

/** A first load takes surrogates in advance; rows that SQL inserts need no right to the sequence. */
const takenInAdvance = [
  'dw.dim_customer_customer_key_seq',
  'dw.dim_referral_referral_key_seq',
  'dw.dim_solution_solution_key_seq',
  'dw.dim_tag_tag_key_seq',
]
/** Kysely's ledger: `cosell run` looks whether a migration is due. */
const ledger = ['etl.migration', 'etl.migration_lock']
const tablesOfPeople = ['pii.contact', 'pii.referral_text']
/** Without `usage` on `etl`, this is read by the policies alone. */
const mapOfAccounts = 'etl.bi_access'

/** MAINTAIN came with PostgreSQL 17; before, only owners may analyze. */
export const maintainSince = 170_000

/** The rights a group is to have on something, in the words of GRANT; what it owns is not asked. */
export function rightsOf(group: Group, granted: Granted, setting: Setting): string[] {
  const words = granted.kind === 'schema' ? onSchema(group, granted.schema) : onObject()
  return words
    .split(' ')
    .filter((word) => word !== '')
    .filter((word) => word !== 'maintain' || setting.version >= maintainSince)

  function onObject(): string {
    if (group === groups.loader) return forLoader(granted)
    if (granted.kind === 'sequence') return ''
    if (group === groups.bi) return forReader(granted, setting)
    const isOfPeople = tablesOfPeople.includes(nameOf(granted))
    return group === groups.pii && isOfPeople ? 'select' : ''
  }
}

function onSchema(group: Group, schema: string): string {
  if (group === groups.loader) return 'usage'
  if (group === groups.bi) return schema === 'dw' || schema === 'mart' ? 'usage' : ''
  return group === groups.pii && schema === 'pii' ? 'usage' : ''
}

function forLoader(granted: Granted): string {
  const name = nameOf(granted)
  if (granted.kind === 'sequence') return takenInAdvance.includes(name) ? 'usage' : ''
  // `cosell report` and `cosell status` run as the loader too.
  if (granted.kind === 'view') return granted.schema === 'mart' ? 'select' : ''
  if (granted.schema === 'stg') return granted.name === 'seen' ? seen : staged
  if (ledger.includes(name)) return 'select'
  return (loaderRights as Readonly<Record<string, string>>)[name] ?? ''
}

function forReader(granted: Granted, { isRowSecured }: Setting): string {
  if (granted.schema === 'dw' || granted.schema === 'mart') return 'select'
  return isRowSecured && nameOf(granted) === mapOfAccounts ? 'select' : ''
}

/** Whether row-level security hides rows of other accounts in it: all that readers may read. */
export function isSecuredByRow(table: Granted): boolean {
  return table.schema === 'dw' || tablesOfPeople.includes(nameOf(table))
}

export function nameOf({ schema, name }: Granted): string {
  return name === '' ? schema : `${schema}.${name}`
}
