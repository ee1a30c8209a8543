import { type RawBuilder, sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type LandedScope, type LandedVersion, readLandedPages } from '../landing/landed-pages.ts'

/** How erased people are recognised; the rules are the transform's. */
export interface Erasing {
  erase<Version extends LandedVersion>(resourceId: string, version: Version): Version
  text(text: string): string
  member(member: Readonly<Record<string, unknown>>): string | undefined
  referral(resourceId: string): string | undefined
}

/** Rows by table; those without any are left out. */
export type ErasedCounts = Readonly<Record<string, number>>

export interface LandedPlaces {
  /** Referrals with a version that would be changed. */
  readonly ids: readonly string[]
  readonly counts: ErasedCounts
}

/** Takes people out of landed versions. */
export type LandedErasing = Pick<Erasing, 'erase'>

/** Finds the landed versions of an account, or of some of its referrals, that would be changed. */
export async function findLanded(
  query: Kysely<Database>,
  partnerAccountKey: number,
  erasing: LandedErasing,
  scope: LandedScope = 'all',
): Promise<LandedPlaces> {
  const ids = new Set<string>()
  let people = 0
  let payloads = 0
  for await (const change of changes(query, partnerAccountKey, scope, erasing)) {
    ids.add(change.resource_id)
    if (change.people !== undefined) people += 1
    if (change.payload !== undefined) payloads += 1
  }
  const counts = { 'pii.payload': people, 'raw.payload': payloads }
  return { ids: [...ids].sort(), counts: withoutZeros(counts) }
}

interface Change {
  readonly resource_type: string
  readonly resource_id: string
  readonly version_no: number
  readonly people: unknown
  readonly payload: unknown
}

async function* changes(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
  erasing: LandedErasing,
): AsyncGenerator<Change> {
  for await (const page of readLandedPages(query, partnerAccountKey, scope)) {
    for (const version of page) {
      const left = erasing.erase(version.resource_id, version)
      if (left === version) continue
      const { resource_type, resource_id, version_no } = version
      const people = left.people === version.people ? undefined : left.people
      const payload = left.payload === version.payload ? undefined : left.payload
      yield { resource_type, resource_id, version_no, people, payload }
    }
  }
}

const changesPerStatement = 200

/**
 * Erases people from the landed versions of some referrals, from what is in the star of those that
 * cannot be loaded, and from texts of the account's quarantine, findings and runs. Sellers of whom
 * nothing else is left go with them.
 */
export async function eraseRows(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  ids: readonly string[],
  erasing: Erasing,
): Promise<void> {
  await eraseLanded(transaction, partnerAccountKey, ids, erasing)
  await eraseKept(transaction, partnerAccountKey, erasing)
  await eraseTexts(transaction, partnerAccountKey, erasing)
  await eraseSellers(transaction, partnerAccountKey)
}

/** Erases people from the landed versions of some referrals. */
export async function eraseLanded(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  ids: readonly string[],
  erasing: LandedErasing,
): Promise<void> {
  let held: Change[] = []
  const write = async () => {
    const people = held.filter((one) => one.people !== undefined)
    const payloads = held.filter((one) => one.payload !== undefined)
    held = []
    if (people.length > 0)
      await update(transaction, 'pii.payload', 'people', partnerAccountKey, people)
    if (payloads.length > 0) {
      await update(transaction, 'raw.payload', 'payload', partnerAccountKey, payloads)
    }
  }
  for await (const change of changes(transaction, partnerAccountKey, { ids }, erasing)) {
    held.push(change)
    if (held.length >= changesPerStatement) await write()
  }
  await write()
}

async function update(
  transaction: Transaction<Database>,
  table: 'pii.payload' | 'raw.payload',
  column: 'people' | 'payload',
  partnerAccountKey: number,
  changed: readonly Change[],
) {
  const given = changed.map(({ resource_type, resource_id, version_no, [column]: left }) => {
    return { resource_type, resource_id, version_no, [column]: left }
  })
  await sql`
    update ${sql.table(table)} landed
    set ${sql.ref(column)} = given.${sql.ref(column)}
    from json_to_recordset(${JSON.stringify(given)}::json)
      as given (resource_type text, resource_id text, version_no integer, ${sql.ref(column)} jsonb)
    where landed.partner_account_key = ${partnerAccountKey}
      and landed.resource_type = given.resource_type
      and landed.resource_id = given.resource_id
      and landed.version_no = given.version_no`.execute(transaction)
}

/**
 * Erases people from the last good rows of referrals whose newest version is in quarantine. The hash of
 * such a row is no state's, so the next good version replaces it.
 */
async function eraseKept(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  erasing: Erasing,
) {
  const { rows: kept } = await sql<{ referral_key: number; referral_id: string }>`
    select referral_key, referral_id
    from dw.dim_referral
    where partner_account_key = ${partnerAccountKey}
      and referral_id in (
        select resource_id from etl.quarantine
        where partner_account_key = ${partnerAccountKey} and resolved_run_id is null
      )`.execute(transaction)
  for (const { referral_key, referral_id } of kept) {
    const ofReferral = erasing.referral(referral_id)
    const of = sql`partner_account_key = ${partnerAccountKey} and referral_key = ${referral_key}`
    const contacts = await sql<
      Record<string, unknown> & { contact_role: string; contact_no: number }
    >`
      select * from pii.contact where ${of} and not is_erased`.execute(transaction)
    for (const contact of contacts.rows) {
      const at = ofReferral ?? erasing.member(contact)
      if (at === undefined) continue
      await sql`
        update pii.contact
        set first_name = null, last_name = null, phone_number = null, email = null, title = null,
          extra = null, contact_hash = null, locale = null, disable_notifications = null,
          is_erased = true, erased_at = ${at}::timestamptz, row_hash = 0
        where ${of} and contact_role = ${contact.contact_role}
          and contact_no = ${contact.contact_no}`.execute(transaction)
    }
    const steps = await sql<Record<string, unknown> & { change_no: number }>`
      select * from pii.contact_change where ${of}`.execute(transaction)
    const gone = steps.rows.filter((step) => (ofReferral ?? erasing.member(step)) !== undefined)
    await sql`delete from pii.contact_change
      where ${of} and change_no = any(${gone.map((step) => step.change_no)}::integer[])`.execute(
      transaction,
    )
    const texts = await sql<{ details_notes: string | null; invite_notes: string | null }>`
      select details_notes, invite_notes from pii.referral_text where ${of}`.execute(transaction)
    for (const { details_notes, invite_notes } of texts.rows) {
      const left = (text: string | null) =>
        text === null ? null : ofReferral === undefined ? erasing.text(text) : '(erased)'
      const next = [left(details_notes), left(invite_notes)]
      if (next[0] === details_notes && next[1] === invite_notes) continue
      await sql`update pii.referral_text
        set details_notes = ${next[0]}, invite_notes = ${next[1]}, row_hash = 0
        where ${of}`.execute(transaction)
    }
  }
}

/** Texts that name what was got; people are in none of them by intent. */
const texts = [
  ['etl.quarantine', 'detail'],
  ['dw.fact_finding', 'detail'],
  ['dw.fact_finding', 'observed_value'],
  ['etl.run', 'error_message'],
] as const

async function eraseTexts(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  erasing: Erasing,
) {
  for (const [table, column] of texts) {
    const { rows } = await sql<{ told: string }>`
      select distinct ${sql.ref(column)} as told from ${sql.table(table)}
      where partner_account_key = ${partnerAccountKey} and ${sql.ref(column)} is not null`.execute(
      transaction,
    )
    for (const { told } of rows) {
      const left = erasing.text(told)
      if (left === told) continue
      await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${left}
        where partner_account_key = ${partnerAccountKey} and ${sql.ref(column)} = ${told}`.execute(
        transaction,
      )
    }
  }
}

/**
 * Makes the sellers unknown who are in no team and were in none: those of a referral whose people were
 * all erased. Who has left a team is named by a change of it.
 */
async function eraseSellers(transaction: Transaction<Database>, partnerAccountKey: number) {
  const isNamed = (table: string) => sql`exists (
    select from ${sql.table(table)} named
    where named.partner_account_key = ${partnerAccountKey}
      and named.contact_hash = seller.seller_hash)`
  await sql`
    update dw.dim_seller seller
    set seller_hash = 'erased ' || seller.seller_key, email_domain = null
    where seller.partner_account_key = ${partnerAccountKey}
      and seller.seller_hash !~ '^erased '
      and not exists (
        select from dw.bridge_referral_seller bridge
        where bridge.seller_key = seller.seller_key
          and bridge.partner_account_key = seller.partner_account_key)
      and not ${isNamed('pii.contact')}
      and not ${isNamed('pii.contact_change')}`.execute(transaction)
}

/** Counts what of the star of an account was erased so far; differences say what an erasure did. */
export async function countErased(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<ErasedCounts> {
  const { rows } = await sql<Record<string, number>>`
    select
      (select count(*) from pii.contact
        where partner_account_key = ${partnerAccountKey} and is_erased) as "pii.contact",
      (select count(*) from pii.referral_text
        where partner_account_key = ${partnerAccountKey}
          and '(erased)' in (details_notes, invite_notes)) as "pii.referral_text",
      (select -count(*) from pii.contact_change
        where partner_account_key = ${partnerAccountKey}) as "pii.contact_change",
      (select count(*) from dw.dim_seller
        where partner_account_key = ${partnerAccountKey}
          and seller_hash ~ '^erased [0-9]') as "dw.dim_seller"`.execute(query)
  return rows[0] ?? {}
}

export function withoutZeros(counts: ErasedCounts): ErasedCounts {
  return Object.fromEntries(Object.entries(counts).filter(([, rows]) => rows > 0))
}

/** Tables of which rows may have been written anew; old ones and statistics name people until vacuumed. */
const writtenTables = [
  ...(['pii.payload', 'raw.payload', 'pii.contact', 'pii.contact_change'] as const),
  ...(['pii.referral_text', 'dw.dim_seller', 'dw.dim_referral'] as const),
  ...([
    'etl.quarantine',
    'dw.fact_finding',
    'etl.run',
    'stg.contact',
    'stg.contact_change',
  ] as const),
  'stg.referral_text',
]

/** Removes old rows, and computes statistics without them: these hold values of columns as well. */
export async function vacuumErased(query: Kysely<Database>) {
  await vacuum(query, writtenTables)
}

/** Before PostgreSQL 17 only the owner of a table may do it, and for others it does nothing. */
export async function vacuum(query: Kysely<Database>, tables: readonly string[]) {
  for (const table of tables) {
    await sql`vacuum (analyze) ${sql.table(table)}`.execute(query)
  }
}

/** Name and phone number beside an address. */
interface Named {
  readonly first_name: string | null
  readonly last_name: string | null
  readonly phone_number: string | null
}

/** Names and phone numbers that landed versions and the star have beside an address. */
export async function readIdentities(query: Kysely<Database>, email: string) {
  const known = await readNamed(query, sql`lower(email) = ${email}`)
  const { rows: landed } = await sql<{ people: unknown }>`
    select people from pii.payload where position(${email} in lower(people::text)) > 0`.execute(
    query,
  )
  return { known, landed: landed.map(({ people }) => people) }
}

/** Names and phone numbers that go with another address: they tell nobody apart. */
export function readOthers(query: Kysely<Database>, email: string): Promise<Named[]> {
  return readNamed(query, sql`lower(email) <> ${email}`)
}

async function readNamed(query: Kysely<Database>, where: RawBuilder<unknown>): Promise<Named[]> {
  const { rows } = await sql<Named>`
    select first_name, last_name, phone_number from (
      select first_name, last_name, phone_number, email from pii.contact
      union all
      select first_name, last_name, phone_number, email from pii.contact_change
    ) known
    where ${where}
    group by 1, 2, 3`.execute(query)
  return rows
}
