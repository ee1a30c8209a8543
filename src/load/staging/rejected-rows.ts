import { sql } from 'kysely'
import pg from 'pg'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { referralStageTables, type StageTable } from './stage-tables.ts'

/** Staged referral that the transform accepted and of which PostgreSQL rejected a row. */
export interface RejectedRow {
  readonly referralNo: number
  readonly error: unknown
  /** Given when its row in `stg.dim_referral` may be the rejected one. */
  readonly referralId?: string
}

/** More point to a fault in the schema or in cosell, which a quarantine does not fix. */
const rejectedMax = 100

/** True for an error about a row: its data, a constraint, or a limit such as that of index rows. */
export function isRowRejected(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && /^(22|23)\w{3}$|^54000$/.test(error.code ?? '')
}

/**
 * Finds the rejected items: tries all of them and, when they are rejected, one half after the
 * other, on top of the accepted ones. So it finds one of two items that only exclude each other.
 * For n items with one rejected, 2 log2(n) tries are made, with 2 n items in all.
 *
 * @throws CosellError `checkFailed` when too many are rejected.
 */
export async function findRejected<T>(
  items: readonly T[],
  attempt: (items: readonly T[]) => Promise<void>,
  found: { item: T; error: unknown }[] = [],
) {
  try {
    await attempt(items)
  } catch (error) {
    if (!isRowRejected(error)) throw error
    const [item] = items
    if (items.length > 1) {
      const middle = items.length >> 1
      await findRejected(items.slice(0, middle), attempt, found)
      await findRejected(items.slice(middle), attempt, found)
    } else if (item !== undefined) found.push({ item, error })
    if (found.length > rejectedMax) throw tooManyRejected(error)
  }
  return found
}

function tooManyRejected(error: pg.DatabaseError): CosellError {
  const text =
    `PostgreSQL rejected more than ${rejectedMax} referrals, the last one at ${whereOf(error)} ` +
    `(${error.code}), so nothing was published. Look for constraints and column types that the ` +
    'schema of cosell does not have; report it when there are none.'
  return new CosellError('quarantine.too_many_rejected', text, { cause: error })
}

/** Adds the table to an error that names none, such as one about a value or a long index row. */
export function withTableName(table: string) {
  return (error: unknown): never => {
    if (isRowRejected(error) && error.table === undefined) error.table = table
    throw error
  }
}

/** Table and column, or constraint; never a value, which may be a person's. */
function whereOf({ schema, table, column, constraint, where }: pg.DatabaseError): string {
  const [, copiedTable = '', copiedColumn] =
    /^COPY (\w+), .*?, column (\w+)/.exec(where ?? '') ?? []
  const place = table === undefined ? copiedTable : [schema, table].filter(Boolean).join('.')
  const part = column ?? constraint ?? copiedColumn
  return [place, part].filter(Boolean).join('.')
}

/**
 * Moves rejected referrals from the staging tables to the staged quarantine, under their latest
 * landed version. Takes the number of rows of each table before, and returns the number after.
 */
export async function quarantineRejected(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  rejected: readonly RejectedRow[],
  staged: ReadonlyMap<StageTable, number>,
): Promise<Map<StageTable, number>> {
  const referralNos = rejected.map(({ referralNo }) => referralNo)
  const details = rejected.map(({ error }) => (isRowRejected(error) ? error.code : ''))
  const paths = rejected.map(({ error }) => (isRowRejected(error) ? whereOf(error) : ''))
  const given = sql<{ referral_no: number; item_path: string; code: string; referral_id: string }>`
    unnest(${referralNos}::integer[], ${paths}::text[], ${details}::text[],
      ${rejected.map(({ referralId }) => referralId ?? null)}::text[])`
  const quarantined = await transaction
    .insertInto('stg.quarantine')
    .columns([
      'partner_account_key',
      'referral_no',
      'resource_type',
      'resource_id',
      'version_no',
      'reason_code',
      'item_path',
      'detail',
    ])
    .expression(({ cast, selectFrom, val }) =>
      selectFrom((from) =>
        from
          .selectFrom(given.as<'r'>(sql`r (referral_no, item_path, code, referral_id)`))
          .leftJoin('stg.dim_referral as s', (join) =>
            join
              .on('s.partner_account_key', '=', partnerAccountKey)
              .onRef('s.referral_no', '=', 'r.referral_no'),
          )
          .distinctOn('r.referral_no')
          .select(['r.referral_no', 'r.item_path', 'r.code'])
          .select(({ fn }) => fn.coalesce('s.referral_id', 'r.referral_id').as('referral_id'))
          .orderBy('r.referral_no')
          .orderBy('r.referral_id')
          .as('f'),
      )
        .crossJoinLateral((from) =>
          from
            .selectFrom('raw.payload as p')
            .select(sql<number>`coalesce(max(p.version_no), 0)`.as('version_no'))
            .where('p.partner_account_key', '=', partnerAccountKey)
            .where('p.resource_type', '=', 'referral')
            .whereRef('p.resource_id', '=', 'f.referral_id')
            .as('landed'),
        )
        .select([
          cast<number>(val(partnerAccountKey), 'integer').as('partner_account_key'),
          'f.referral_no',
          sql.lit('referral').as('resource_type'),
          'f.referral_id as resource_id',
          'landed.version_no',
          sql.lit('rejected_by_database').as('reason_code'),
          'f.item_path',
          sql<string>`'expected PostgreSQL to accept every row, got SQLSTATE ' || f.code`.as(
            'detail',
          ),
        ])
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('stg.quarantine as known')
                .where('known.partner_account_key', '=', partnerAccountKey)
                .where('known.resource_type', '=', 'referral')
                .whereRef('known.resource_id', '=', 'f.referral_id')
                .whereRef('known.version_no', '=', 'landed.version_no'),
            ),
          ),
        ),
    )
    .executeTakeFirstOrThrow()
  const counts = new Map(staged)
  const added = Number(quarantined.numInsertedOrUpdatedRows ?? 0)
  counts.set('stg.quarantine', (staged.get('stg.quarantine') ?? 0) + added)
  for (const table of referralStageTables) {
    const deleted = await transaction
      .deleteFrom(table)
      .where('partner_account_key', '=', partnerAccountKey)
      .where('referral_no', '=', sql<number>`any(${referralNos}::integer[])`)
      .executeTakeFirstOrThrow()
    const rows = staged.get(table)
    if (rows !== undefined) counts.set(table, rows - Number(deleted.numDeletedRows))
  }
  return counts
}
