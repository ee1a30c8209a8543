import { readLanded } from '../load/landing/read-landed.ts'
import { unpublishedStatuses } from '../load/runs/ledger.ts'
import type { LandedReferral, LandedVersion } from '../transform/context.ts'
import { readEvidence } from '../transform/files/evidence.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { VersionShown } from './explanation.ts'
import type { FoundReferral } from './find-referral.ts'
import type { Shown } from './value-sources.ts'

/** What is landed of a referral and published, and what of it is shown. */
export interface Landed {
  readonly referral: LandedReferral
  /** Every landed version, published or not, in the order of landing. */
  readonly entries: readonly LandedEntry[]
}

/** A landed version in the ledger. */
export interface LandedEntry extends Omit<VersionShown, 'role'> {
  readonly resource_type: LandedVersion['resource_type']
  readonly isPublished: boolean
}

const kinds: Readonly<Record<LandedVersion['resource_type'], string>> = {
  referral: 'referral of the API',
  csv_row: 'row of a file',
  referral_absence: 'absence from a full read',
  referral_presence: 'presence in a full read',
}

/**
 * Reads what is landed of a referral. The referral has published versions alone, since the star shows
 * no others.
 */
export async function readLandedReferral(
  query: Kysely<Database>,
  { partner_account_key, referral_id }: FoundReferral,
  hasPolicies: boolean,
): Promise<Landed> {
  const entries = await readEntries(query, partner_account_key, referral_id)
  const isPublished = ({ resource_type, version_no }: LandedVersion) =>
    entries.some(
      (entry) =>
        entry.isPublished &&
        entry.resource_type === resource_type &&
        entry.version_no === version_no,
    )
  const scope = { ids: [referral_id] }
  let referral: LandedReferral = {
    partner_account_key,
    referral_no: 1,
    resource_id: referral_id,
    versions: [],
  }
  for await (const landed of readLanded(query, partner_account_key, scope, hasPolicies)) {
    referral = { ...referral, ...landed, versions: landed.versions.filter(isPublished) }
  }
  return { referral, entries }
}

async function readEntries(
  query: Kysely<Database>,
  partnerAccountKey: number,
  referralId: string,
): Promise<LandedEntry[]> {
  const rows = await query
    .selectFrom('raw.payload as landed')
    .leftJoin('etl.run as run', 'run.run_id', 'landed.run_id')
    .select([
      'landed.resource_type',
      'landed.version_no',
      'landed.observed_at as seen_at',
      'landed.source_updated_text as source_updated_at',
      'landed.run_id',
      'landed.source_ref',
      'run.run_status',
    ])
    .where('landed.partner_account_key', '=', partnerAccountKey)
    .where('landed.resource_id', '=', referralId)
    .where('landed.resource_type', 'in', Object.keys(kinds))
    .orderBy('landed.observed_at')
    .orderBy('landed.run_id')
    .orderBy('landed.version_no')
    .execute()
  return rows.map(({ run_status, resource_type, ...row }) => {
    const type = resource_type as LandedVersion['resource_type']
    const isPublished = !unpublishedStatuses.some((status) => status === run_status)
    return { ...row, resource_type: type, kind: kinds[type], isPublished }
  })
}

/** The published versions with values, as each shows the referral, in the order of landing. */
export function shownVersions({ referral, entries }: Landed): Shown[] {
  return entries.flatMap((version): Shown[] => {
    const landed = referral.versions.find(
      (one) => one.resource_type === version.resource_type && one.version_no === version.version_no,
    )
    if (landed === undefined) return []
    if (landed.resource_type === 'referral') {
      return [{ version: versionOf(version), referral: landed.payload, isPart: false }]
    }
    if (landed.resource_type !== 'csv_row') return []
    const [evidence] = readEvidence([landed])
    if (evidence === undefined) return []
    return [{ version: versionOf(version), referral: evidence.payload, isPart: true }]
  })
}

function versionOf({ version_no, kind, seen_at, run_id }: LandedEntry): Shown['version'] {
  return { version_no, kind, seen_at, run_id }
}
