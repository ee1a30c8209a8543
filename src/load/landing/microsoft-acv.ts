import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** Kind of the landed readings. */
const resourceType = 'microsoft_acv'

/** Columns of an Insights co-sell download that show a registration, its contract and US dollars. */
const figureColumns = [
  'Annual Contract Value',
  'Contract Value (USD)',
  'Registered deal solution value (USD)',
  'Estimated Deal value (USD)',
  'Contract Value',
  'Registered deal solution value',
  'Deal Approved Date',
  'Deal Review Passed Date',
  'Deal Review Failed Date',
] as const
/** What is kept of a row with one of them. */
const keptColumns = [
  ...figureColumns,
  'Deal ID',
  'Contract Currency',
  'Contract Term',
  'Contract Sign Date',
  'Contract Start Date',
  'Contract End Date',
  'Registered deal solution currency',
] as const

/** Row of an Insights co-sell download. */
export interface InsightsRow {
  readonly referralId: string
  /** Cells by the canonical name of their column; days as YYYY-MM-DD, amounts as plain decimals. */
  readonly cells: Readonly<Record<string, string>>
  /** Day of the file, as YYYY-MM-DD; null when it has none. */
  readonly asOf: string | null
  /** File and line. */
  readonly sourceRef: string
}

export interface InsightsRows {
  readonly partnerAccountKey: number
  readonly runId: number
  readonly rows: readonly InsightsRow[]
}

/** Reading as it was landed: what Microsoft's own figures were on a day. */
export interface LandedReading {
  readonly asOf: string | null
  readonly cells: Readonly<Record<string, string>>
}

/**
 * Lands what rows have of Microsoft's annual contract value and returns the number of new readings.
 * The readings of a referral are a set: one that is there is not landed again, whatever came between.
 */
export async function storeMicrosoftAcv(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId, rows }: InsightsRows,
): Promise<number> {
  const readings = rows.flatMap(toReading)
  if (readings.length === 0) return 0
  const column = (name: keyof Reading) => readings.map((reading) => reading[name])
  const given = sql<Reading & { place: number }>`
    unnest(${column('referralId')}::text[], ${column('hash')}::text[],
      ${column('sourceRef')}::text[], ${column('payload')}::text[]) with ordinality`
  const columns = sql`f ("referralId", hash, "sourceRef", payload, place)`
  const written = await transaction
    .with('fresh', (from) =>
      from
        .selectFrom(given.as<'f'>(columns))
        .distinctOn(['f.referralId', 'f.hash'])
        .selectAll('f')
        // A probe of the key for each row: a referral has a few readings.
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('raw.payload as p')
                .where('p.partner_account_key', '=', partnerAccountKey)
                .where('p.resource_type', '=', resourceType)
                .whereRef('p.resource_id', '=', 'f.referralId')
                .whereRef('p.payload_hash', '=', 'f.hash')
                .offset(sql.lit(0)),
            ),
          ),
        )
        .orderBy('f.referralId')
        .orderBy('f.hash')
        .orderBy('f.place'),
    )
    .insertInto('raw.payload')
    .columns([
      ...(['partner_account_key', 'resource_type', 'resource_id', 'version_no'] as const),
      ...(['observed_at', 'payload_hash', 'source_ref', 'run_id', 'payload'] as const),
    ])
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('fresh as n')
        .leftJoinLateral(
          (from) =>
            from
              .selectFrom('raw.payload as p')
              .select('p.version_no')
              .where('p.partner_account_key', '=', partnerAccountKey)
              .where('p.resource_type', '=', resourceType)
              .whereRef('p.resource_id', '=', 'n.referralId')
              .orderBy('p.version_no', 'desc')
              .limit(1)
              .as('latest'),
          (join) => join.onTrue(),
        )
        .select([
          val(partnerAccountKey).as('partner_account_key'),
          sql.lit(resourceType).as('resource_type'),
          'n.referralId as resource_id',
          sql<number>`(coalesce(latest.version_no, 0) + row_number() over (
            partition by n."referralId" order by n.place))::integer`.as('version_no'),
          sql<string>`now()`.as('observed_at'),
          'n.hash as payload_hash',
          'n.sourceRef as source_ref',
          cast<number>(val(runId), 'bigint').as('run_id'),
          sql<unknown>`n.payload::jsonb`.as('payload'),
        ]),
    )
    .executeTakeFirst()
  return Number(written?.numInsertedOrUpdatedRows ?? 0)
}

interface Reading {
  readonly referralId: string
  readonly hash: string
  readonly sourceRef: string
  readonly payload: string
}

/** Returns the reading of a row; none when it shows nothing of a registration or in US dollars. */
function toReading({ referralId, cells, asOf, sourceRef }: InsightsRow): Reading[] {
  if (!figureColumns.some((name) => name in cells)) return []
  const kept: Record<string, string> = {}
  for (const name of keptColumns) {
    const cell = cells[name]
    if (cell !== undefined) kept[name] = cell
  }
  const payload = JSON.stringify({ asOf, cells: kept } satisfies LandedReading)
  return [{ referralId, hash: hashOf(payload), sourceRef, payload }]
}

/** Digest without a key, as a reading has no people. */
function hashOf(payload: string): string {
  return createHash('sha256').update(payload).digest('hex')
}

/** Returns whether any reading of the account is landed. */
export async function hasReadings(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<boolean> {
  const found = await query
    .selectFrom('raw.payload')
    .select('version_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .where('resource_type', '=', resourceType)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** The readings of some referrals, by referral. */
export async function readReadings(
  query: Kysely<Database>,
  partnerAccountKey: number,
  referralIds: readonly string[],
): Promise<Map<string, LandedReading[]>> {
  const wanted = sql<{ referral_id: string }>`unnest(${referralIds}::text[])`
  const rows = await query
    .selectFrom(wanted.as<'wanted'>(sql`wanted (referral_id)`))
    .crossJoinLateral((from) =>
      from
        .selectFrom('raw.payload as p')
        .select(sql<LandedReading>`p.payload`.as('reading'))
        .where('p.partner_account_key', '=', partnerAccountKey)
        .where('p.resource_type', '=', resourceType)
        .whereRef('p.resource_id', '=', 'wanted.referral_id')
        .offset(sql.lit(0))
        .as('landed'),
    )
    .select(['wanted.referral_id', 'landed.reading'])
    .execute()
  const byReferral = new Map<string, LandedReading[]>()
  for (const { referral_id, reading } of rows) {
    const known = byReferral.get(referral_id)
    if (known === undefined) byReferral.set(referral_id, [reading])
    else known.push(reading)
  }
  return byReferral
}
