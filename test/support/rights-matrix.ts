import { type Kysely, sql } from 'kysely'

type Groups = 'cosell_loader' | 'cosell_bi' | 'cosell_pii'

interface Row {
  /** A name, or the prefix of several names. */
  readonly name: string
  /** One letter a right: select, insert, update, delete, truncate, maintain; usage; execute as x. */
  readonly loader: string
  readonly bi: string
  /** Rights beside those of bi. */
  readonly pii: string
  readonly why: string
}

const row = (name: string, loader: string, bi: string, pii: string, why: string): Row => ({
  name,
  loader,
  bi,
  pii,
  why,
})

/** Rights of each group to every object, written by hand and independent of the program's list. */
const matrix: readonly Row[] = [
  row('raw', 'u', '', '', 'the landing zone is the loader’s'),
  row('pii', 'u', '', 'u', 'people are for few'),
  row('etl', 'u', '', '', 'readers get what concerns them through mart'),
  row('stg', 'u', '', '', 'staging is the loader’s'),
  row('dw', 'u', 'u', '', 'the star is for readers'),
  row('mart', 'u', 'u', '', 'the report is written by the loader’s job'),

  row(
    'raw.payload',
    'siudm',
    '',
    '',
    'versions are added; erased people are taken out, old ones purged',
  ),
  row('pii.payload', 'siudm', '', '', 'whole payloads with people are never read'),
  row('pii.contact', 'siudm', '', 's', 'replaced with its referral'),
  row('pii.contact_change', 'siudm', '', 's', 'replaced with its referral'),
  row('pii.referral_change', '', '', 's', 'who joined and left, with the rights of the reader'),
  row('pii.referral_text', 'siudm', '', 's', 'replaced with its referral'),
  row('pii.erasure', 'siu', '', '', 'readers do not learn who was erased'),
  row('pii.seller', '', '', 's', 'names of sellers, with the rights of the reader'),
  row('pii.secret', 's', '', '', 'the key of the hashes, which would reveal people by guessing'),

  row('etl.account', 's', '', '', 'names programs that a load starts: only the owner writes it'),
  row('etl.account_source', 'siu', '', '', 'recorded after a read'),
  row('etl.api_capability', 'siud', '', '', 'found anew'),
  row('etl.bi_access', '', '', '', 'only the owner maps readers to accounts'),
  row('etl.dq_finding', 's', '', '', 'a view, by its former name, with the rights of the reader'),
  row('etl.enum_value', 'si', '', '', 'values that only the data knows are added'),
  row('etl.extract_window', 'siudm', '', '', 'moves on page by page, and is purged with its run'),
  row('etl.fx_quote', 'siudm', '', '', 'replaced by newer files'),
  row('etl.lease', 'siu', '', '', 'taken and given back, never removed'),
  row('etl.mart_grant', '', '', '', 'used by migrate alone'),
  row('etl.mart_view', 's', '', '', 'a run checks whether views are due'),
  row('etl.migration', 's', '', '', 'a run checks whether a migration is due'),
  row('etl.migration_lock', 's', '', '', 'a run checks whether a migration is due'),
  row('etl.quarantine', 'siu', '', '', 'entries are resolved, never removed'),
  row('etl.run', 'siudm', '', '', 'the ledger is cut by a purge alone'),
  row('etl.run_table', 'sidm', '', '', 'the ledger is cut by a purge alone'),
  row('etl.setting', 'siu', '', '', 'the reporting currency is stored by a run'),
  row('etl.sign_in', 'siud', '', '', 'tokens rotate; forget and rename follow'),
  row('etl.principal_referral', 'sim', '', '', 'what was seen is not forgotten'),
  row('etl.visible_account', '', '', '', 'read by views with the owner’s rights'),

  row('stg.listed_referral', 'sidm', '', '', 'goes run by run'),
  row('stg.', 'siudtm', '', '', 'filled, halved and emptied'),

  row('dw.bridge_line_incentive', 'siudm', 's', '', 'replaced with its referral'),
  row('dw.bridge_referral_seller', 'siudm', 's', '', 'replaced with its referral'),
  row('dw.bridge_referral_tag', 'siudm', 's', '', 'replaced with its referral'),
  row('dw.dim_currency', 'si', 's', '', 'codes that only the data knows are added'),
  row('dw.dim_customer', 'sim', 's', '', 'profiles are added, never changed'),
  row('dw.dim_date', 'su', 's', '', 'filled by a migration; a run changes fiscal labels'),
  row('dw.dim_engagement', 'siudm', 's', '', 'found anew when a referral of the deal changes'),
  row('dw.dim_partner_account', 'siu', 's', '', 'locked while accounts are numbered'),
  row('dw.dim_referral', 'sium', 's', '', 'referrals stay'),
  row('dw.dim_seller', 'sium', 's', '', 'people without names; erased ones are made unknown'),
  row('dw.dim_solution', 'sium', 's', '', 'names are corrected'),
  row('dw.dim_status', 'si', 's', '', 'pairs that only the data knows are added'),
  row('dw.dim_tag', 'sium', 's', '', 'tags are added, and documented later'),
  row('dw.documented_enum_value', 's', 's', '', 'filled by migrations'),
  row('dw.fact_', 'siudm', 's', '', 'replaced with its referral'),
  row('dw.fx_rate', 'siudm', 's', '', 'computed anew from quotes'),

  row('mart.deal_movement_between', 'x', 'x', '', 'a function, with the rights of the reader'),
  row('mart.pipeline_movement_between', 'x', 'x', '', 'a function, with the rights of the reader'),
  row('mart.', 's', 's', '', 'views; the report is written by the loader’s job'),
]

/** An initial load reserves keys; the other identities are filled by inserts, which need no right. */
const surrogates = /^dw\.dim_(referral|customer|seller|solution|tag)_\w+_seq$/

const letters: Readonly<Record<string, string>> = {
  usage: 'u',
  select: 's',
  insert: 'i',
  update: 'u',
  delete: 'd',
  truncate: 't',
  maintain: 'm',
  execute: 'x',
}
const order = 'siudtmx'

interface Found {
  readonly name: string
  readonly kind: string
  readonly owner: string
  readonly group: Groups
  readonly rights: readonly string[]
}

/** Returns the differences from the matrix, and objects open to everyone. */
export async function differingFromMatrix<Schema>(
  db: Kysely<Schema>,
  { owner = 'cosell_owner', isRowSecured = false } = {},
): Promise<string[]> {
  const hasMaintain = (await versionOf(db)) >= 170_000
  const written = (text: string) => (hasMaintain ? text : text.replace('m', ''))
  const wrong = new Set<string>()
  for (const found of await readRights(db, hasMaintain)) {
    if (found.owner !== owner) wrong.add(`${found.name}: belongs to ${found.owner}`)
    const wanted = wantedOf(found, isRowSecured)
    if (wanted === undefined) wrong.add(`${found.name}: no row of the matrix`)
    else {
      const got = lettersOf(found.rights)
      const expected = written(wanted)
      if (got === expected) continue
      wrong.add(`${found.name}: ${found.group} has ${got || '-'} instead of ${expected || '-'}`)
    }
  }
  for (const sentence of await readStrays(db)) wrong.add(sentence)
  return [...wrong].sort()
}

function wantedOf({ name, kind, group }: Found, isRowSecured: boolean): string | undefined {
  if (kind === 'S') {
    if (group === 'cosell_loader') return surrogates.test(name) ? 'u' : ''
    // pg_dump reads the sequences of what it copies.
    return name.startsWith('dw.') ? 's' : ''
  }
  // The policies read it with the rights of the caller; without usage on etl nothing else can.
  if (isRowSecured && name === 'etl.bi_access') return group === 'cosell_loader' ? '' : 's'
  const found =
    matrix.find((line) => line.name === name) ??
    matrix.find((line) => /[._]$/.test(line.name) && name.startsWith(line.name))
  if (found === undefined) return undefined
  if (group === 'cosell_loader') return found.loader
  return group === 'cosell_bi' ? found.bi : lettersOf([...found.bi, ...found.pii])
}

function lettersOf(rights: readonly string[]): string {
  const short = [...new Set(rights.map((right) => letters[right] ?? right))]
  return short.sort((a, b) => order.indexOf(a) - order.indexOf(b)).join('')
}

async function versionOf<Schema>(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ version: number }>`
    select current_setting('server_version_num')::integer as version`.execute(db)
  return rows[0]?.version ?? 0
}

/** Reads effective rights, so rights by membership or through public count too. */
async function readRights<Schema>(db: Kysely<Schema>, hasMaintain: boolean): Promise<Found[]> {
  const onTables = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
  if (hasMaintain) onTables.push('maintain')
  const { rows } = await sql<Found>`
    select
      n.nspname || '.' || c.relname as name,
      c.relkind::text as kind,
      pg_get_userbyid(c.relowner)::text as owner,
      g.name as group,
      to_json(array(
        select case when c.relkind = 'S' and r = 'update' then 'set' else r end from unnest(
          case c.relkind when 'S' then array['usage', 'select', 'update'] else ${onTables}::text[] end
        ) r
        where case c.relkind
          when 'S' then has_sequence_privilege(g.name, c.oid, r)
          else has_table_privilege(g.name, c.oid, r)
        end
      )) as rights
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join unnest(array['cosell_loader', 'cosell_bi', 'cosell_pii']) as g (name)
    where n.nspname in ('raw', 'pii', 'etl', 'stg', 'dw', 'mart')
      and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select n.nspname || '.' || p.proname, 'function', pg_get_userbyid(p.proowner), g.name,
      case when has_function_privilege(g.name, p.oid, 'execute') then '["execute"]' else '[]' end::json
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    cross join unnest(array['cosell_loader', 'cosell_bi', 'cosell_pii']) as g (name)
    where n.nspname in ('raw', 'pii', 'etl', 'stg', 'dw', 'mart')
    union all
    select n.nspname, 'n', pg_get_userbyid(n.nspowner), g.name,
      to_json(array(
        select r from unnest(array['usage', 'create']) r where has_schema_privilege(g.name, n.oid, r)
      ))
    from pg_namespace n
    cross join unnest(array['cosell_loader', 'cosell_bi', 'cosell_pii']) as g (name)
    where n.nspname in ('raw', 'pii', 'etl', 'stg', 'dw', 'mart')`.execute(db)
  return rows
}

async function readStrays<Schema>(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ sentence: string }>`
    with ours as (
      select oid from pg_namespace where nspname in ('raw', 'pii', 'etl', 'stg', 'dw', 'mart')
    )
    select n.nspname || '.' || p.proname || ': a function for everyone' as sentence
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.oid in (select oid from ours) and exists (
      select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
      where acl.grantee = 0
    )
    union all
    select c.oid::regclass::text || ': rights to single columns'
    from pg_class c
    where c.relnamespace in (select oid from ours)
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null)
    union all
    select c.oid::regclass::text || ': rights of public'
    from pg_class c
    where c.relnamespace in (select oid from ours)
      and exists (select from aclexplode(c.relacl) acl where acl.grantee = 0)
    union all
    select rolname || ': can do more than a group'
    from pg_roles
    where rolname in ('cosell_owner', 'cosell_loader', 'cosell_bi', 'cosell_pii')
      and (rolcanlogin or rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)
  `.execute(db)
  return rows.map(({ sentence }) => sentence)
}
