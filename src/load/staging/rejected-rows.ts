import { sql } from 'kysely'
import pg from 'pg'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { type Database, tables } from '../../warehouse/tables.generated.ts'
import type { StageTable } from './stage.ts'

/** A staged referral that PostgreSQL refuses though the transform accepted it. */
export interface Refused {
  readonly referralNo: number
  readonly error: unknown
  /** Where it is not among the staged referrals, since that very row was refused. */
  readonly referralId?: string
}

/** More point to a fault in the schema or in cosell, which no setting aside mends. */
const refusedMax = 100

/** Whether the server refused what a row says: its data, a constraint, a limit such as an index row's. */
export function isRefusal(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && /^(22|23)\w{3}$|^54000$/.test(error.code ?? '')
}

/**
 * Finds which of the items are refused: tries all of them, and where they are refused, one half
 * after the other, on top of those that were taken. So one of two that only exclude one another is
 * found, and n items with one refused cost 2 log2(n) tries of together some 2 n items.
 *
 * @throws CosellError `checkFailed` when too many are refused.
 */
export async function findRefused<T>(
  items: readonly T[],
  attempt: (items: readonly T[]) => Promise<void>,
  found: { item: T; error: unknown }[] = [],
) {
  try {
    await attempt(items)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const [item] = items
    if (items.length > 1) {
      const middle = items.length >> 1
      await findRefused(items.slice(0, middle), attempt, found)
      await findRefused(items.slice(middle), attempt, found)
    } else if (item !== undefined) found.push({ item, error })
    if (found.length > refusedMax) throw tooManyRefused(error)
  }
  return found
}

function tooManyRefused(error: pg.DatabaseError): CosellError {
  const text =
    `PostgreSQL refused more than ${refusedMax} referrals, the last with ${whereOf(error)} ` +
    `(${error.code}), so nothing was published. Look for constraints and column types that the ` +
    'schema of cosell does not have; report it when there are none.'
  return new CosellError('checkFailed', 'quarantine.refused', text, { cause: error })
}

/** Names the table in a refusal that names none, as those of values and of long index rows. */
export function naming(table: string) {
  return (error: unknown): never => {
    if (isRefusal(error) && error.table === undefined) error.table = table
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

/** Staging tables that hold rows of referrals, but for the one that says what is wrong with them. */
export const ofReferrals = (Object.keys(tables) as StageTable[]).filter(
  (name) =>
    name.startsWith('stg.') &&
    name !== 'stg.quarantine' &&
    (tables[name].columns as readonly string[]).includes('referral_no'),
)

/**
 * Takes refused referrals out of the stage and puts them into its quarantine, under their latest
 * landed version. Returns how many rows each table holds then, given how many it held.
 */
export async function setAside(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  refused: readonly Refused[],
  staged: ReadonlyMap<StageTable, number>,
): Promise<Map<StageTable, number>> {
  const referralNos = refused.map(({ referralNo }) => referralNo)
  const details = refused.map(({ error }) => (isRefusal(error) ? error.code : ''))
  const paths = refused.map(({ error }) => (isRefusal(error) ? whereOf(error) : ''))
  const aside = await sql`
    insert into stg.quarantine
      (partner_account_key, referral_no, resource_type, resource_id, version_no, reason_code,
        item_path, detail)
    select ${partnerAccountKey}::integer, f.referral_no, 'referral', f.referral_id, landed.version_no,
      'rejected_by_database', f.item_path,
      'expected PostgreSQL to take what the transform accepted, got SQLSTATE ' || f.code
    from (
      select distinct on (r.referral_no) r.referral_no, r.item_path, r.code,
        coalesce(s.referral_id, r.referral_id) as referral_id
      from unnest(${referralNos}::integer[], ${paths}::text[], ${details}::text[],
        ${refused.map(({ referralId }) => referralId ?? null)}::text[])
        as r (referral_no, item_path, code, referral_id)
      left join stg.dim_referral s
        on s.partner_account_key = ${partnerAccountKey} and s.referral_no = r.referral_no
      order by r.referral_no, r.referral_id
    ) f
    cross join lateral (
      select coalesce(max(p.version_no), 0) as version_no
      from raw.payload p
      where p.partner_account_key = ${partnerAccountKey}
        and p.resource_type = 'referral'
        and p.resource_id = f.referral_id
    ) landed
    where not exists (
      select 1 from stg.quarantine known
      where known.partner_account_key = ${partnerAccountKey}
        and known.resource_id = f.referral_id
        and known.version_no = landed.version_no)`.execute(transaction)
  const left = new Map(staged)
  const added = Number(aside.numAffectedRows ?? 0)
  left.set('stg.quarantine', (staged.get('stg.quarantine') ?? 0) + added)
  for (const table of ofReferrals) {
    const gone = await sql`
      delete from ${sql.table(table)}
      where partner_account_key = ${partnerAccountKey}
        and referral_no = any(${referralNos}::integer[])`.execute(transaction)
    const rows = staged.get(table)
    if (rows !== undefined) left.set(table, rows - Number(gone.numAffectedRows ?? 0))
  }
  return left
}
