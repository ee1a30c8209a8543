/**
 * Upgrade of databases that were made before the migrations became one baseline. Kept until 1.0, then
 * removed with `sql/baseline-upgrade.sql`.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql, type Transaction } from 'kysely'
import { CosellError } from '../../errors.ts'
import { baselineUpgradeFile, migrationsFolder } from '../sql-folder.ts'
import { actAsOwner } from './check-target.ts'

/** Name under which the upgrade is pending and applied. */
export const baselineUpgrade = 'baseline-upgrade'

const staging = '0012_staging'
/** Migrations of the baseline; later ones follow as on every database. */
const baselineNames = [
  '0001_schemas',
  '0002_settings',
  '0003_runs',
  '0004_quality',
  '0005_landing_zone',
  '0006_shared_dimensions',
  '0007_account_dimensions',
  '0008_referral_facts',
  '0009_registration_facts',
  '0010_exchange_rates',
  '0011_people',
  staging,
  '0013_reference_calendar',
  '0014_reference_currencies',
  '0015_reference_statuses',
  '0016_reference_enumerations',
]

/** Migrations from before the baseline, under the names of the ledger. */
export const namesBeforeBaseline = [
  '0001_schemas',
  '0002_control_tables',
  '0003_landing_zone',
  '0004_shared_dimensions',
  '0005_account_dimensions',
  '0006_referral_facts',
  '0007_registration_facts',
  '0008_bridges',
  '0009_exchange_rates',
  '0010_people',
  '0011_staging',
  '0012_staging_comments',
  '0013_indexes',
  '0014_foreign_keys',
  '0015_settings',
  '0016_reference_dates',
  '0017_reference_currencies',
  '0018_reference_statuses',
  '0019_reference_enums',
  '0020_reference_value_lists',
  '0021_watermark_and_sights',
  '0022_backfill_windows',
  '0023_seen_survives_a_crash',
  '0024_row_security',
  '0025_rates_from_quotes',
  '0026_views',
  '0027_comments_name_their_source',
  '0028_keys_for_small_changes',
]

/**
 * Returns true when the ledger holds exactly the migrations from before the baseline.
 *
 * @throws CosellError `configuration` when it holds only some of them.
 */
export function isBeforeBaseline(applied: readonly string[]): boolean {
  const found = namesBeforeBaseline.filter((name) => applied.includes(name))
  if (found.every((name) => baselineNames.includes(name))) return false
  const all = namesBeforeBaseline.length
  if (found.length === all && applied.length === all) return true
  throw new CosellError(
    'migrate.before_baseline',
    `Database: expected all ${all} migrations up to ${namesBeforeBaseline.at(-1)} and no other, ` +
      `got ${applied.length} up to ${applied.at(-1)}. Run \`cosell migrate\` of the version that ` +
      'made the database first, or start a new database.',
  )
}

/**
 * Turns a database from before the baseline into one of the baseline, in one transaction and with
 * its data. Returns false when another process did so meanwhile.
 */
export async function adoptBaseline<Schema>(
  db: Kysely<Schema>,
  lockTimeoutMs: number,
): Promise<boolean> {
  const texts = new Map<string, string>()
  for (const name of baselineNames) {
    texts.set(name, await readFile(path.join(migrationsFolder, `${name}.sql`), 'utf8'))
  }
  const renames = await readFile(baselineUpgradeFile, 'utf8')
  return db.transaction().execute(async (transaction) => {
    await sql`set local lock_timeout = ${sql.lit(lockTimeoutMs)}`.execute(transaction)
    await sql`set local statement_timeout = 0`.execute(transaction)
    await actAsOwner(transaction)
    await sql`lock table etl.migration in access exclusive mode`.execute(transaction)
    const ledger = await sql<{ name: string }>`select name from etl.migration`.execute(transaction)
    if (!isBeforeBaseline(ledger.rows.map((row) => row.name))) return false
    await sql.raw(renames).execute(transaction)
    for (const [name, text] of texts) {
      if (name !== staging) await sql.raw(commentsOf(text)).execute(transaction)
    }
    // Its tables take the comments of their targets, which are new only now.
    await sql.raw(texts.get(staging) ?? '').execute(transaction)
    await rewriteLedger(transaction)
    return true
  })
}

/** Statements `comment on` of a migration: every one ends its line, no line of a text does so. */
function commentsOf(text: string): string {
  return (text.match(/^comment on [\s\S]*?;$/gm) ?? ['select 1']).join('\n')
}

async function rewriteLedger<Schema>(transaction: Transaction<Schema>): Promise<void> {
  await sql`delete from etl.migration`.execute(transaction)
  await sql`
    insert into etl.migration (name, timestamp)
    select name, ${new Date().toISOString()} from unnest(${baselineNames}::text[]) as name
  `.execute(transaction)
}
