import { type Kysely, sql } from 'kysely'
import { ofRuns } from '../../src/pipeline/diff/mart-keys.ts'
import { planPurge, purge, type Retention } from '../../src/pipeline/purge/purge.ts'
import type { ChangeKind } from '../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { digestState } from './digest.ts'
import { contextOf, type Settings, type TestPipeline, withPipeline } from './with-pipeline.ts'

const none: Retention = { versions: null, runs: null, contacts: null }

export interface Nights extends TestPipeline {
  /** A day in which referrals change, and the run after it. */
  night(count: number, kind?: ChangeKind, full?: boolean): ReturnType<TestPipeline['run']>
  purge(retention: Partial<Retention>): ReturnType<typeof purge>
  plan(retention: Partial<Retention>): ReturnType<typeof planPurge>
}

/** Loads that began so many days ago, as far as the landing zone knows. */
export function withNights(
  options: Parameters<typeof withPipeline>[0],
  use: (nights: Nights) => Promise<void>,
  { daysAgo = 100, settings = {} }: { daysAgo?: number; settings?: Settings } = {},
): Promise<void> {
  return withPipeline(
    options,
    (nights) => {
      const { warehouse, home, logged } = nights
      const context = () => contextOf(warehouse, home, logged as string[], {})
      return use({
        ...nights,
        night: async (count, kind, full) => {
          nights.sandbox.change(count, kind)
          await nights.passNight()
          return nights.run(full)
        },
        purge: (retention) => purge(context(), { ...none, ...retention }),
        plan: (retention) => planPurge(context(), { ...none, ...retention }),
      })
    },
    settings,
    daysAgo,
  )
}

/** Everything that readers see: star, changes of teams, and every mart but for the ages of runs. */
export async function readersSee(db: Kysely<Database>): Promise<Record<string, unknown>> {
  const { rows: marts } = await sql<{ mart: string; columns: string[] }>`
    select c.relname::text as mart, array_agg(quote_ident(a.attname)) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'mart'::regnamespace and c.relkind = 'v'
      -- What the clock moves.
      and not (c.relname = 'registration_review' and a.attname = 'days_in_stage')
      and not (c.relname = 'load_status' and a.attname ~ '^last|^age_hours|^published_at')
      and not a.attname = any(${[...ofRuns]}::text[])
    group by 1`.execute(db)
  const seen: Record<string, unknown> = { ...(await digestState(db)) }
  const digest = async (from: string, columns: string) => {
    const { rows } = await sql<{ digest: string }>`
      select count(*) || ' ' || coalesce(md5(string_agg(shown, e'\n' order by shown)), '') as digest
      from (select row(${sql.raw(columns)})::text collate "C" as shown from ${sql.raw(from)}) t`.execute(
      db,
    )
    seen[from] = rows[0]?.digest
  }
  for (const { mart, columns } of marts) await digest(`mart.${mart}`, columns.join(', '))
  await digest('pii.contact_change', changeColumns)
  return seen
}

const changeColumns =
  'referral_key, change_no, contact_role, is_joining, changed_at, observed_at, email, contact_hash'

export async function versionsOf(db: Kysely<Database>) {
  const { rows } = await sql<{ id: string; version_no: number; latest: number }>`
    select resource_id as id, version_no,
      max(version_no) over (partition by resource_id) as latest
    from raw.payload where resource_type = 'referral'
    order by 1, 2`.execute(db)
  return rows
}

/** The people and notes that are landed or in the star of each referral, as text. */
export async function peopleOf(db: Kysely<Database>) {
  const { rows } = await sql<{ id: string; landed: string; shown: string }>`
    select r.referral_id as id,
      (select string_agg(p.people::text, ' ' order by p.version_no) from pii.payload p
        where p.resource_id = r.referral_id) as landed,
      concat(
        (select string_agg(c::text, ' ') from pii.contact c where c.referral_key = r.referral_key),
        (select string_agg(c::text, ' ') from pii.contact_change c
          where c.referral_key = r.referral_key),
        (select string_agg(t::text, ' ') from pii.referral_text t
          where t.referral_key = r.referral_key)) as shown
    from dw.dim_referral r order by 1`.execute(db)
  return new Map(rows.map(({ id, landed, shown }) => [id, `${landed}\n${shown}`]))
}

/** Closed more than 150 days ago, at the latest with the last update. */
export function isLongClosed(referral: Referral | undefined): boolean {
  const { status, closedDateTime, updatedDateTime } = referral ?? {}
  const closed = closedDateTime ?? updatedDateTime ?? ''
  return status === 'Closed' && Date.parse(closed) < Date.now() - 150 * 86_400_000
}
