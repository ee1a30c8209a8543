import { sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { asOneText, listReferrals, recordProgress, textBoundary } from './land-page.ts'

/** Type of the rows of files in the landing zone. */
const csvRowType = 'csv_row'

/** Row of a file without people, and its people apart; JSON as text. */
export interface LandedCsvRow {
  readonly resource_id: string
  readonly payload_hash: string
  /** File and line. */
  readonly source_ref: string
  /** SHA-256 of the file. */
  readonly source_digest: string
  /** Day that the row is of; null where it is not known. */
  readonly source_updated_text: string | null
  readonly payload: string
  readonly people: string
}

export interface LandedBatch {
  readonly partnerAccountKey: number
  readonly runId: number
  readonly observedAt: string
  readonly landings: readonly LandedCsvRow[]
}

/**
 * Lands the rows that are not there yet, each content once, and lists the resources of all. The rows
 * of a resource are a set: their numbers say in which order they came, and nothing else depends on
 * it. Returns how many were new.
 */
export async function landRows(
  transaction: Transaction<Database>,
  batch: LandedBatch,
): Promise<number> {
  const { partnerAccountKey, runId } = batch
  const landed = await insertNew(transaction, batch)
  const page = { runId, windowNo: 1, landings: batch.landings }
  const pages = await recordProgress(transaction, page)
  await listReferrals(transaction, partnerAccountKey, page, pages)
  return landed
}

/** A row that is not landed yet, with the greatest number of its resource so far. */
interface NewRow extends LandedCsvRow {
  latest_version_no: number
  position: number
}

async function insertNew(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId, observedAt, landings }: LandedBatch,
): Promise<number> {
  const once = [...new Map(landings.map((row) => [row.payload_hash, row])).values()]
  const small = once.map(({ payload: _, people: __, ...rest }) => rest)
  const given = sql<LandedCsvRow & { position: number }>`
    rows from (
      json_to_recordset(${JSON.stringify(small)}::json) as (
        resource_id text, payload_hash text, source_ref text, source_digest text,
        source_updated_text text
      ),
      string_to_table(${asOneText(once.map((row) => row.payload))}, ${textBoundary}),
      string_to_table(${asOneText(once.map((row) => row.people))}, ${textBoundary})
    ) with ordinality`
  const columns = sql`f (resource_id, payload_hash, source_ref, source_digest,
    source_updated_text, payload, people, position)`
  const { landed } = await transaction
    .with('fresh', (from) =>
      from
        .selectFrom(given.as<'f'>(columns))
        .crossJoinLateral((of) =>
          of
            .selectFrom('raw.payload as p')
            .select(sql<number>`coalesce(max(p.version_no), 0)`.as('latest_version_no'))
            .select(
              sql<boolean>`coalesce(bool_or(p.payload_hash = f.payload_hash), false)`.as(
                'is_known',
              ),
            )
            .where('p.partner_account_key', '=', partnerAccountKey)
            .where('p.resource_type', '=', sql.lit(csvRowType))
            .whereRef('p.resource_id', '=', 'f.resource_id')
            .as('known'),
        )
        .selectAll('f')
        .select('known.latest_version_no')
        .where(({ not, ref }) => not(ref('known.is_known')))
        .$castTo<NewRow>(),
    )
    .with('numbered', (from) =>
      from
        .selectFrom('fresh as n')
        .selectAll('n')
        .select(({ fn }) => {
          const place = fn
            .agg<number>('row_number')
            .over((over) => over.partitionBy('n.resource_id').orderBy('n.position'))
          return sql<number>`n.latest_version_no + ${place}`.as('version_no')
        }),
    )
    .with('people', (from) =>
      from
        .insertInto('pii.payload')
        .columns(['partner_account_key', 'resource_type', 'resource_id', 'version_no', 'people'])
        .expression(({ selectFrom, val }) =>
          selectFrom('numbered as n').select([
            val(partnerAccountKey).as('partner_account_key'),
            sql.lit(csvRowType).as('resource_type'),
            'n.resource_id',
            'n.version_no',
            sql<unknown>`n.people::jsonb`.as('people'),
          ]),
        ),
    )
    .with('landed', (from) =>
      from
        .insertInto('raw.payload')
        .columns([
          ...(['partner_account_key', 'resource_type', 'resource_id', 'version_no'] as const),
          ...(['observed_at', 'payload_hash', 'source_updated_at', 'source_updated_text'] as const),
          ...(['source_ref', 'source_digest', 'run_id', 'payload'] as const),
        ])
        .expression(({ selectFrom, val }) =>
          selectFrom('numbered as n')
            .select([
              val(partnerAccountKey).as('partner_account_key'),
              sql.lit(csvRowType).as('resource_type'),
              'n.resource_id',
              'n.version_no',
              sql<string>`${observedAt}::timestamptz`.as('observed_at'),
              'n.payload_hash',
              sql<string | null>`(n.source_updated_text || 'T00:00:00Z')::timestamptz`.as(
                'source_updated_at',
              ),
              'n.source_updated_text',
              'n.source_ref',
              'n.source_digest',
              val(runId).as('run_id'),
              sql<unknown>`n.payload::jsonb`.as('payload'),
            ])
            .orderBy('n.resource_id')
            .orderBy('n.version_no'),
        )
        .returning(sql.lit(1).as('one')),
    )
    .selectFrom('landed')
    .select(({ fn }) => fn.countAll<number>().as('landed'))
    .executeTakeFirstOrThrow()
  return landed
}
