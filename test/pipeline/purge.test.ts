import { type Kysely, sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { listBackfillAttempts } from '../../src/load/runs/backfill-attempts.ts'
import { acquireLease } from '../../src/load/runs/lease.ts'
import { readAccountState, readUncountedTotal } from '../../src/load/runs/ledger.ts'
import { backfill } from '../../src/pipeline/backfill/backfill.ts'
import { readLastPublishes } from '../../src/report/queries/freshness.ts'
import { readLatestRuns } from '../../src/report/queries/latest-runs.ts'
import { readStatus } from '../../src/report/queries/status.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { runProgram } from '../faults/crash/program.ts'
import { digestState } from '../support/digest.ts'
import { silent } from '../support/load-referrals.ts'
import {
  isLongClosed,
  peopleOf,
  readersSee,
  versionsOf,
  withNights,
} from '../support/purge-nights.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { contextOf, failureOf } from '../support/with-pipeline.ts'

describe('cosell purge --versions', () => {
  test(
    'superseded versions go, and the star stays as it is, after a rebuild and later nights too',
    () =>
      withNights({ referrals: 40, seed: 4, broken: 2 }, async (nights) => {
        const { db, night, run, rebuild } = nights
        await run()
        for (const kind of [
          'rewrite',
          undefined,
          'rewrite',
          'edit',
          'rewrite',
          'rewrite',
        ] as const) {
          await night(25, kind)
        }
        const before = await readersSee(db)
        const landed = await versionsOf(db)
        const planned = await nights.plan({ versions: 30 })
        expect(await versionsOf(db)).toEqual(landed)

        const result = await nights.purge({ versions: 30 })
        const left = await versionsOf(db)
        const gone = landed.length - left.length
        expect(gone).toBeGreaterThan(20)
        expect(result.rows).toEqual({ 'raw.payload': gone, 'pii.payload': gone })
        expect(result).toMatchObject({ rows_purged: 2 * gone, referrals: 0 })
        expect(planned).toMatchObject({ rows: result.rows, rows_to_purge: 2 * gone })
        expect(result.bytes_purged).toBeGreaterThan(1_000 * gone)
        // Of every referral the first version and the last are there.
        const ends = (rows: typeof left) =>
          rows.filter(({ version_no, latest }) => version_no === 1 || version_no === latest)
        expect(ends(left)).toEqual(ends(landed))
        expect(left.length - ends(left).length).toBe(result.versions_kept - firstsKept(landed))

        expect(await readersSee(db)).toEqual(before)
        expect(await nights.purge({ versions: 30 })).toMatchObject({ rows_purged: 0 })
        expect(await rebuild()).toMatchObject({ rows_written: 0 })
        expect(await readersSee(db)).toEqual(before)
        expect(await run()).toMatchObject({ changed: 0, rows_written: 0 })
        expect(await run(true)).toMatchObject({ changed: 0, rows_written: 0 })
        expect(await readersSee(db)).toEqual(before)
      }),
    180_000,
  )

  test('a version that is not old enough stays', () =>
    withNights({ referrals: 20, seed: 4 }, async ({ db, night, run, ...nights }) => {
      await run()
      for (let day = 0; day < 4; day += 1) await night(20, 'rewrite')
      const landed = await versionsOf(db)
      expect(await nights.purge({ versions: 200 })).toMatchObject({ rows_purged: 0 })
      expect(await versionsOf(db)).toEqual(landed)
    }))
})

/** Superseded first versions, which stay. */
function firstsKept(rows: Awaited<ReturnType<typeof versionsOf>>): number {
  return rows.filter(({ version_no, latest }) => version_no === 1 && latest > 1).length
}

/** Members by referral, side and number, whoever they are. */
async function membersOf(db: Kysely<Database>) {
  const { rows } = await sql`
    select referral_key, contact_role, count(*) as members from pii.contact group by 1, 2
    order by 1, 2`.execute(db)
  return rows
}

/** What only a purge of contacts changes. */
const contactTables = ['pii.contact', 'pii.referral_text']

describe('cosell purge --contacts', () => {
  test('the customers’ people and notes of long closed referrals go, here and from rebuilds', () =>
    withNights({ referrals: 60, seed: 11 }, async (nights) => {
      const { db, sandbox, night, run, rebuild } = nights
      await run()
      await night(30)
      const figures = await digestState(db, contactTables)
      const members = await membersOf(db)
      const before = await peopleOf(db)
      const planned = await nights.plan({ contacts: 150 })
      expect(await peopleOf(db)).toEqual(before)
      const result = await nights.purge({ contacts: 150 })
      const { status: _, rows_to_purge: sum, ...counts } = planned
      expect(result).toMatchObject({ ...counts, rows_purged: sum })

      const after = await peopleOf(db)
      const closed = sandbox.referrals().filter(isLongClosed)
      expect(closed.length).toBeGreaterThan(10)
      expect(result.referrals).toBeLessThanOrEqual(closed.length)
      expect(result.referrals).toBeGreaterThan(closed.length / 2)
      for (const { id: own, customerProfile, details, team } of sandbox.referrals()) {
        const id = own ?? ''
        const text = after.get(id) ?? ''
        if (!closed.some((one) => one.id === id)) {
          expect(text).toBe(before.get(id))
          continue
        }
        for (const { email } of customerProfile?.team ?? [])
          if (email) expect(text).not.toContain(email)
        if (details?.notes) expect(text).not.toContain(details.notes)
        for (const { email } of team ?? []) if (email) expect(text).toContain(email)
      }
      expect(await digestState(db, contactTables)).toEqual(figures)
      expect(await membersOf(db)).toEqual(members)

      const star = await readersSee(db)
      expect(await nights.purge({ contacts: 150 })).toMatchObject({ rows_purged: 0, referrals: 0 })
      expect(await run(true)).toMatchObject({ changed: 0, rows_written: 0 })
      expect(await rebuild()).toMatchObject({ rows_written: 0 })
      expect(await readersSee(db)).toEqual(star)
    }))

  test('more closed referrals than one transaction takes are purged, all of them', () =>
    withNights({ referrals: 1_500, seed: 3 }, async (nights) => {
      await nights.run()
      const { referrals: planned } = await nights.plan({ contacts: 150 })
      // Each transaction takes 500.
      expect(planned).toBeGreaterThan(500)
      expect(await nights.purge({ contacts: 150 })).toMatchObject({ referrals: planned })
      const people = await peopleOf(nights.db)
      const left = nights.sandbox.referrals().filter((one) => {
        const emails = one.customerProfile?.team?.flatMap(({ email }) => email ?? []) ?? []
        return (
          isLongClosed(one) && emails.some((email) => people.get(one.id ?? '')?.includes(email))
        )
      })
      expect(left).toEqual([])
      expect(await nights.plan({ contacts: 150 })).toMatchObject({ referrals: 0, rows: {} })
    }))

  test('a closed referral that changed brings its contacts until the next purge', () =>
    withNights({ referrals: 60, seed: 11 }, async ({ db, sandbox, night, run, ...nights }) => {
      await run()
      await nights.purge({ contacts: 150 })
      const purged = await peopleOf(db)
      await night(60, 'rewrite')
      const back = [...(await peopleOf(db))].filter(([id, text]) => {
        const one = sandbox.referrals().find((referral) => referral.id === id)
        const email = one?.customerProfile?.team?.[0]?.email
        return isLongClosed(one) && email && text.includes(email)
      })
      expect(back.length).toBeGreaterThan(3)
      const again = await nights.purge({ contacts: 150 })
      expect(again.referrals).toBeGreaterThanOrEqual(back.length)
      const text = await peopleOf(db)
      for (const [id] of back) {
        const one = sandbox.referrals().find((referral) => referral.id === id)
        expect(text.get(id)).not.toContain(one?.customerProfile?.team?.[0]?.email)
        expect(purged.get(id)).not.toContain(one?.customerProfile?.team?.[0]?.email)
      }
    }))

  test('a closed referral keeps its contacts while one of its versions is not published', () =>
    withNights({ referrals: 60, seed: 11 }, async ({ db, sandbox, run, ...nights }) => {
      await run()
      const found = sandbox
        .referrals()
        .find((known) => isLongClosed(known) && known.customerProfile?.team?.[0]?.email)
      const id = found?.id ?? ''
      const email = found?.customerProfile?.team?.[0]?.email ?? 'none'
      const { rows } = await sql<{ run_id: number }>`
        insert into etl.run (partner_account_key, run_mode, run_status, started_at, finished_at,
          app_version, transform_version, error_message)
        values (1, 'incremental', 'failed', now(), now(), '', 1, 'no answer')
        returning run_id`.execute(db)
      await sql`update raw.payload set run_id = ${rows[0]?.run_id}
        where resource_id = ${id}`.execute(db)
      const before = (await peopleOf(db)).get(id)
      expect(before).toContain(email)
      expect((await nights.purge({ contacts: 150 })).referrals).toBeGreaterThan(10)
      expect((await peopleOf(db)).get(id)).toBe(before)
      // As the publish does that takes it.
      await sql`update etl.run set run_status = 'abandoned' where run_status = 'failed'`.execute(db)
      await nights.purge({ contacts: 150 })
      expect((await peopleOf(db)).get(id)).not.toContain(email)
    }))

  test('the contacts of a closed referral go from its last good rows while it is in quarantine', () =>
    withNights({ referrals: 60, seed: 11 }, async ({ db, sandbox, run, retry, ...nights }) => {
      await run()
      const one = sandbox
        .referrals()
        .find((known) => isLongClosed(known) && known.customerProfile?.team?.[0]?.email)
      const email = one?.customerProfile?.team?.[0]?.email ?? 'none'
      const id = one?.id ?? ''
      await sql`update raw.payload set payload = payload || '{"createdDateTime": "never"}'
        where resource_id = ${id}`.execute(db)
      await sql`insert into etl.quarantine
        select partner_account_key, resource_type, resource_id, version_no, 'bad_instant', '', '', run_id,
          run_id, 1, null
        from raw.payload where resource_id = ${id}`.execute(db)
      expect((await peopleOf(db)).get(id)).toContain(email)
      await nights.purge({ contacts: 150 })
      expect((await peopleOf(db)).get(id)).not.toContain(email)
      expect(await nights.purge({ contacts: 150 })).toMatchObject({ rows_purged: 0 })
    }))
})

/** Numbers of runs that rows of any table name. */
async function namedRuns(db: Kysely<Database>): Promise<number[]> {
  const { rows: columns } = await sql<{ place: string; column: string }>`
    select attrelid::regclass::text as place, attname::text as column
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relkind = 'r' and attname ~ '(^|_)run_id$' and attnum > 0
      and relnamespace::regnamespace::text in ('raw', 'pii', 'stg', 'etl', 'dw')
      and attrelid <> 'etl.run'::regclass`.execute(db)
  const parts = columns.map(({ place, column }) => `select ${column} as run from ${place}`)
  const { rows } = await sql<{ run: number }>`
    select distinct run from (${sql.raw(parts.join(' union all '))}) named
    where run is not null and run > 0 order by 1`.execute(db)
  return rows.map(({ run }) => run)
}

async function runsOf(db: Kysely<Database>): Promise<number[]> {
  const { rows } = await sql<{ run_id: number }>`select run_id from etl.run order by 1`.execute(db)
  return rows.map(({ run_id }) => run_id)
}

/** What the next run, a backfill and the commands that look read of the ledger. */
async function ledgerState(db: Kysely<Database>) {
  const [status] = await readStatus(db)
  const { runs: _, age_hours: __, ...shown } = status ?? { runs: [], age_hours: 0 }
  const span = { from: '2000-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' }
  return {
    state: await readAccountState(db, 1),
    uncounted: await readUncountedTotal(db, 1, 'unknown'),
    windows: await listBackfillAttempts(db, 1, span),
    latest: await readLatestRuns(db),
    publishes: (await readLastPublishes(db)).map(({ age_hours: _, ...one }) => one),
    shown,
  }
}

describe('cosell purge --runs', () => {
  test('finished runs go that no row names and no state needs', () =>
    withNights({ referrals: 30, seed: 6 }, async (nights) => {
      const { db, night, run, passNight } = nights
      await run()
      for (let time = 0; time < 3; time += 1) await run()
      await run(true)
      await night(10)
      for (let time = 0; time < 3; time += 1) {
        await passNight()
        await run()
      }
      const span = { from: '2026-01-01', to: '2026-03-01' }
      const { home, warehouse, sandbox } = nights
      const context = contextOf(warehouse, home, [], demoSettings(sandbox.url))
      await backfill(context, span, { pauseMs: 0 })
      await backfill(context, span, { pauseMs: 0 })
      // A night that failed, and one that was killed and whose rows a later one published.
      await sql`insert into etl.run (partner_account_key, run_mode, run_status, started_at, finished_at,
          app_version, transform_version, error_message)
        values (1, 'incremental', 'failed', now(), now(), '', 1, 'no answer'),
          (1, 'incremental', 'abandoned', now() - interval '100 days', null, '', 1, null)`.execute(
        db,
      )
      await run()
      const young = await runsOf(db)
      expect(await nights.purge({ runs: 30 })).toMatchObject({ rows: { 'etl.run': 1 } })
      expect((await runsOf(db)).length).toBe(young.length - 1)

      await sql`update etl.run set started_at = started_at - interval '100 days',
        extracted_at = extracted_at - interval '100 days', finished_at = finished_at - interval '100 days',
        published_at = published_at - interval '100 days'`.execute(db)
      const all = await runsOf(db)
      const state = await ledgerState(db)
      const seen = await readersSee(db)
      const planned = await nights.plan({ runs: 30 })
      const result = await nights.purge({ runs: 30 })
      expect(result.rows).toEqual(planned.rows)
      const left = await runsOf(db)
      expect(result.rows['etl.run']).toBe(all.length - left.length)
      expect(all.length - left.length).toBeGreaterThan(3)
      const missing = (await namedRuns(db)).filter((one) => !left.includes(one))
      expect(missing).toEqual([])
      expect(await ledgerState(db)).toEqual(state)
      expect(await readersSee(db)).toEqual(seen)
      expect(await nights.purge({ runs: 30 })).toMatchObject({ rows_purged: 0 })
      expect(await nights.run()).toMatchObject({ changed: 0, rows_written: 0 })
    }))

  test('a failed run stays whose landed versions no run has published', () =>
    withNights({ referrals: 20, seed: 6 }, async ({ db, run, ...nights }) => {
      await run()
      await run()
      await sql`update etl.run set run_status = 'failed', finished_at = now() - interval '100 days'
        where run_id = 1`.execute(db)
      await nights.purge({ runs: 30, versions: 1 })
      expect(await runsOf(db)).toContain(1)
      expect(await run()).toMatchObject({ seen: 20 })
    }))
})

const all = { versions: 30, runs: 30, contacts: 150 }

describe('cosell purge', () => {
  test(
    'a purge that was killed anywhere is finished by the next one',
    () =>
      withNights({ referrals: 40, seed: 8 }, async (nights) => {
        const { db, home, url, run, night, rebuild } = nights
        await run()
        const given = {
          cwd: home,
          words: ['purge', '--yes'],
          env: {
            COSELL_DATABASE_URL: url,
            COSELL_HOME: home,
            COSELL_KEEP_VERSIONS_DAYS: '30',
            COSELL_KEEP_CONTACTS_DAYS: '150',
          },
        }
        const program = { door: inject('programDoor') }
        const purgeUntil = (at: number) =>
          runProgram(program, { ...given, blow: { at, isSent: false } })
        const changes = async () => {
          for (const kind of ['rewrite', undefined, 'rewrite'] as const) await night(30, kind)
        }
        await changes()
        const whole = await runProgram(program, given)
        expect(whole.code, whole.stderr).toBe(0)
        expect(JSON.parse(whole.stdout).rows_purged).toBeGreaterThan(100)
        const boundaries = whole.boundaries.length
        for (const share of [0.4, 0.55, 0.7, 0.9]) {
          await changes()
          const figures = await digestState(db, contactTables)
          const killed = await purgeUntil(Math.floor(boundaries * share))
          expect(killed).toMatchObject({ signal: 'SIGKILL' })
          await sql`update etl.lease set expires_at = clock_timestamp()`.execute(db)
          await nights.purge({ versions: 30, contacts: 150 })
          expect(await nights.plan({ versions: 30, contacts: 150 })).toMatchObject({ rows: {} })
          expect(await digestState(db, contactTables)).toEqual(figures)
          expect(await rebuild()).toMatchObject({ rows_written: 0 })
        }
      }),
    180_000,
  )

  test('a purge refuses while a run holds an account', () =>
    withNights({ referrals: 20, seed: 8 }, async ({ db, run, night, ...nights }) => {
      await run()
      for (let day = 0; day < 3; day += 1) await night(20, 'rewrite')
      const landed = await versionsOf(db)
      const held = await acquireLease(db, 1, 'another', silent)
      const failure = await failureOf(nights.purge(all))
      expect(failure).toMatchObject({ code: 'lease.held', exitCode: 4 })
      expect(await versionsOf(db)).toEqual(landed)
      await held.release()
    }))

  test('cosell purge asks first, plans, and keeps everything that has no retention', () =>
    withNights({ referrals: 20, seed: 8 }, async ({ db, home, url, run, night }) => {
      await run()
      for (let day = 0; day < 3; day += 1) await night(20, 'rewrite')
      const env = { COSELL_DATABASE_URL: url, COSELL_HOME: home }
      const cli = (words: readonly string[], more = {}) =>
        runCli(['purge', ...words], { cwd: home, env: { ...env, ...more } })
      const landed = await versionsOf(db)
      const [nothing, wrong, unasked, asJson, planned, told] = await Promise.all([
        cli(['--yes']),
        cli(['--versions', '0', '--yes']),
        cli(['--versions', '30']),
        cli(['--json'], { COSELL_KEEP_VERSIONS_DAYS: '30' }),
        cli(['--plan', '--json'], { COSELL_KEEP_VERSIONS_DAYS: '30' }),
        cli(['--plan', '--versions', '30']),
      ])
      expect(nothing).toMatchObject({ code: 2 })
      expect(nothing.stderr).toContain('got none, and none is set; nothing was purged')
      expect(wrong.code).toBe(78)
      expect(wrong.stderr).toContain('COSELL_KEEP_VERSIONS_DAYS')
      expect(unasked).toMatchObject({ code: 2 })
      expect(unasked.stderr).toMatch(/raw\.payload\s+\d+/)
      expect(resultOf(asJson)).toMatchObject({ code: 'purge.not_confirmed' })
      expect(resultOf(planned)).toMatchObject({
        status: 'planned',
        days_kept: { versions: 30, runs: null, contacts: null },
      })
      expect(told).toMatchObject({ code: 0 })
      expect(told.stdout).toContain('rows are old enough')
      expect(await versionsOf(db)).toEqual(landed)
      // An option wins over the setting.
      const done = await cli(['--versions', '30', '--yes', '--json'], {
        COSELL_KEEP_VERSIONS_DAYS: '9000',
      })
      expect(resultOf(done)).toMatchObject({
        status: 'purged',
        rows_purged: resultOf(planned).rows_to_purge,
      })
    }))
})
