import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type LandedRow, type LandedScope, readLandedPages } from './landed-pages.ts'
import { hasReadings, type LandedReading, readReadings } from './microsoft-acv.ts'
import { type LandedPolicies, readPolicies } from './policies.ts'
import { readAhead } from './read-ahead.ts'

export interface LandedResource {
  readonly resource_id: string
  readonly versions: LandedRow[]
  /** Eligibility policies that were fetched for the referral. */
  readonly policies?: LandedPolicies | undefined
  /** Readings of Microsoft's annual contract value. */
  readonly readings?: readonly LandedReading[] | undefined
}

/**
 * Yields referrals in id order, each with all of its landed versions. Holds two pages in memory:
 * one is transformed while the next is read. With `hasPolicies` a referral has its fetched policies.
 */
export async function* readLanded(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
  hasPolicies = false,
): AsyncGenerator<LandedResource> {
  const presence = await readPresence(query, partnerAccountKey)
  const isRead = await hasReadings(query, partnerAccountKey)
  let resource: LandedResource | undefined
  for await (const page of readAhead(readLandedPages(query, partnerAccountKey, scope))) {
    const isAsked = page.length > 0 && (hasPolicies || isRead)
    const ids = isAsked ? [...new Set(page.map((version) => version.resource_id))] : []
    const policies =
      isAsked && hasPolicies ? await readPolicies(query, partnerAccountKey, ids) : undefined
    const readings =
      isAsked && isRead ? await readReadings(query, partnerAccountKey, ids) : undefined
    for (const { resource_id, ...version } of page) {
      if (resource?.resource_id !== resource_id) {
        if (resource !== undefined) yield resource
        resource = {
          resource_id,
          versions: [...(presence.get(resource_id) ?? [])],
          policies: policies?.get(resource_id),
          readings: readings?.get(resource_id),
        }
      }
      resource.versions.push(version)
    }
  }
  if (resource !== undefined) yield resource
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
