import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'

/** Landed version: the payload, and its people beside it. */
export interface LandedRow {
  readonly version_no: number
  readonly resource_type: 'referral' | 'referral_absence' | 'referral_presence'
  readonly observed_at: string
  readonly source_updated_text: string | null
  readonly payload: unknown
  readonly people: unknown
}

export interface LandedResource {
  readonly resource_id: string
  readonly versions: LandedRow[]
}

interface StreamedRow extends LandedRow {
  readonly resource_id: string
}

/** Referrals to publish: with a version that is not published yet, all, or the named ones. */
export type LandedScope = 'unpublished' | 'all' | { readonly ids: readonly string[] }

const rowsPerFetch = 200

/**
 * Yields referrals in id order, each with all of its landed versions. Holds one referral in memory.
 */
export async function* readLanded(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): AsyncGenerator<LandedResource> {
  const presence = await readPresence(query, partnerAccountKey)
  let resource: LandedResource | undefined
  for await (const row of streamVersions(query, partnerAccountKey, scope)) {
    const { resource_id, ...version } = row
    if (resource?.resource_id !== resource_id) {
      if (resource !== undefined) yield resource
      resource = { resource_id, versions: [...(presence.get(resource_id) ?? [])] }
    }
    resource.versions.push(version)
  }
  if (resource !== undefined) yield resource
}

function streamVersions(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): AsyncIterable<StreamedRow> {
  // People are read by a probe of the whole key. Before the landing zone is analyzed, a join was
  // planned as one row by one row, and its time grew with the square of the rows.
  const versions = query
    .selectFrom('raw.payload as landed')
    .select([
      'landed.resource_id',
      'landed.version_no',
      sql<'referral'>`landed.resource_type`.as('resource_type'),
      'landed.observed_at',
      'landed.source_updated_text',
      'landed.payload',
    ])
    .select(({ selectFrom }) =>
      selectFrom('pii.payload as cut')
        .select('cut.people')
        .whereRef('cut.partner_account_key', '=', 'landed.partner_account_key')
        .whereRef('cut.resource_type', '=', 'landed.resource_type')
        .whereRef('cut.resource_id', '=', 'landed.resource_id')
        .whereRef('cut.version_no', '=', 'landed.version_no')
        .as('people'),
    )
    .where('landed.partner_account_key', '=', partnerAccountKey)
    .where('landed.resource_type', '=', 'referral')
    .orderBy('landed.resource_id')
    .orderBy('landed.version_no')
  if (scope === 'all') return versions.stream(rowsPerFetch)
  const wanted =
    scope === 'unpublished'
      ? versions.where('landed.resource_id', 'in', changedIds(query, partnerAccountKey))
      : versions.where(sql<boolean>`landed.resource_id = any(${scope.ids}::text[])`)
  return wanted.stream(rowsPerFetch)
}

function changedIds(query: Kysely<Database>, partnerAccountKey: number) {
  return query
    .selectFrom('raw.payload as fresh')
    .select('fresh.resource_id')
    .where('fresh.partner_account_key', '=', partnerAccountKey)
    .where('fresh.run_id', 'in', (from) =>
      from
        .selectFrom('etl.run')
        .select('run_id')
        .where('partner_account_key', '=', partnerAccountKey)
        .where('run_status', 'in', unpublishedStatuses),
    )
}

/** Absences and returns by referral. They are few, so they are held in memory and not sorted. */
async function readPresence(query: Kysely<Database>, partnerAccountKey: number) {
  const rows = await query
    .selectFrom('raw.payload')
    .select([
      'resource_id',
      'version_no',
      sql<'referral_absence' | 'referral_presence'>`resource_type`.as('resource_type'),
      'observed_at',
      'source_updated_text',
      'payload',
    ])
    .where('partner_account_key', '=', partnerAccountKey)
    .where('resource_type', 'in', ['referral_absence', 'referral_presence'])
    .execute()
  const byId = new Map<string, LandedRow[]>()
  for (const { resource_id, ...row } of rows) {
    const known = byId.get(resource_id)
    if (known === undefined) byId.set(resource_id, [{ ...row, people: null }])
    else known.push({ ...row, people: null })
  }
  return byId
}
