import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { LandedScope } from '../../../src/load/landing/landed-pages.ts'
import { readLanded } from '../../../src/load/landing/read-landed.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { failureOf } from '../../support/load-referrals.ts'

/** Lands versions of invented referrals without the API; `versions` of each. */
async function land(
  db: Kysely<Database>,
  account: number,
  { referrals, versions = 1, runId }: { referrals: number; versions?: number; runId: number },
) {
  await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_ref, run_id, payload)
    select ${account}::integer, 'referral', md5('id' || referral_no), version_no, now(), 'a hash',
      'a page', ${runId}::bigint,
      jsonb_build_object('no', referral_no, 'version', version_no)
    from generate_series(1, ${referrals}::integer) as referral_no
    cross join generate_series(1, ${versions}::integer) as version_no`.execute(db)
  await sql`
    insert into pii.payload
      (partner_account_key, resource_type, resource_id, version_no, people)
    select partner_account_key, resource_type, resource_id, version_no, jsonb_build_object('of', payload)
    from raw.payload
    where partner_account_key = ${account}::integer and run_id = ${runId}::bigint
    on conflict do nothing`.execute(db)
}

async function enterRun(db: Kysely<Database>, account: number, status: string): Promise<number> {
  const { rows } = await sql<{ run_id: number }>`
    insert into etl.run
      (partner_account_key, run_mode, run_status, started_at, app_version, transform_version)
    values (${account}, 'incremental', ${status}, now(), '0', 1)
    returning run_id`.execute(db)
  return rows[0]?.run_id ?? 0
}

async function read(db: Kysely<Database>, account: number, scope: LandedScope) {
  const found: Record<string, unknown[]> = {}
  for await (const { resource_id, versions } of readLanded(db, account, scope)) {
    expect(found[resource_id], 'each referral once').toBeUndefined()
    for (const { payload, people } of versions) expect(people).toEqual({ of: payload })
    found[resource_id] = versions.map(({ version_no }) => version_no)
  }
  return found
}

describe('readLanded', () => {
  test('readLanded yields every referral once with all of its versions, across pages', () =>
    withDatabase(async (db) => {
      const runId = await enterRun(db, 1, 'running')
      // 2,100 versions: every page of 500 but one ends within a referral.
      await land(db, 1, { referrals: 300, versions: 7, runId })
      await land(db, 2, { referrals: 10, runId: await enterRun(db, 2, 'running') })
      for (const scope of ['all', 'unpublished'] as const) {
        const found = await read(db, 1, scope)
        expect(Object.keys(found), scope).toHaveLength(300)
        expect(Object.keys(found), scope).toEqual(Object.keys(found).sort())
        for (const versions of Object.values(found)) expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7])
      }
    }))

  test('readLanded yields all versions of the referrals with an unpublished one', () =>
    withDatabase(async (db) => {
      await land(db, 1, { referrals: 900, runId: await enterRun(db, 1, 'published') })
      const failed = await enterRun(db, 1, 'failed')
      const running = await enterRun(db, 1, 'running')
      await sql`
        update raw.payload set run_id = case when (payload ->> 'no')::integer <= 250
          then ${failed}::bigint else ${running}::bigint end
        where (payload ->> 'no')::integer <= 500`.execute(db)
      await sql`
        insert into raw.payload
        select partner_account_key, resource_type, resource_id, 2, observed_at, payload_hash,
          source_updated_at, source_updated_text, source_ref, ${running}::bigint, payload
        from raw.payload
        where (payload ->> 'no')::integer between 451 and 600`.execute(db)
      await sql`
        insert into pii.payload
        select partner_account_key, resource_type, resource_id, 2, people
        from pii.payload
        where (people #>> '{of,no}')::integer between 451 and 600`.execute(db)
      const found = await read(db, 1, 'unpublished')
      expect(Object.keys(found)).toHaveLength(600)
      expect(Object.values(found).filter((versions) => versions.length === 2)).toHaveLength(150)
    }))

  test('readLanded finds named referrals whatever characters their ids have', () =>
    withDatabase(async (db) => {
      const ids = [
        '{a,b}',
        '"quoted"',
        "it's",
        'back\\slash',
        'NULL',
        ' spaced ',
        'ÄÖ,日本',
        'x\ty',
      ]
      const runId = await enterRun(db, 1, 'running')
      await sql`
        insert into raw.payload
          (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
            source_ref, run_id, payload)
        select 1, 'referral', id, 1, now(), 'a hash', 'a page', ${runId}::bigint, '{}'
        from unnest(${[...ids, 'another']}::text[]) as id`.execute(db)
      const found: string[] = []
      const wanted = { ids: [...ids, ...ids, 'not landed'] }
      for await (const { resource_id } of readLanded(db, 1, wanted)) found.push(resource_id)
      expect(found.sort()).toEqual([...ids].sort())
    }))

  test('readLanded reports an error of a later page to a caller that is slower than the server', () =>
    withDatabase(async (db) => {
      await land(db, 1, { referrals: 2_000, runId: await enterRun(db, 1, 'running') })
      let received = 0
      const reading = async () => {
        for await (const _ of readLanded(db, 1, 'all')) {
          received += 1
          if (received === 1) await sql`alter table raw.payload rename to elsewhere`.execute(db)
          if (received % 250 === 0) await sleep(20)
        }
      }
      expect(await failureOf(reading())).toMatchObject({ code: '42P01' })
      // Two pages were under way.
      expect(received).toBeLessThanOrEqual(1_000)
    }))
})

describe('pages of the landing zone', () => {
  const accounts = { large: 1, fresh: 2 }

  /** Rows and index entries that a session reads from the landing zone. */
  async function countRead(url: string, scope: LandedScope, account: number) {
    const counts = async (db: Kysely<Database>) => {
      const { rows } = await sql<{ by_key: number; all: number }>`
        select
          sum(idx_tup_read) filter (where indexrelname = 'payload_pkey')::bigint as by_key,
          (sum(idx_tup_read) + (
            select seq_tup_read from pg_stat_user_tables where relid = 'raw.payload'::regclass
          ))::bigint as all
        from pg_stat_user_indexes
        where relid = 'raw.payload'::regclass`.execute(db)
      return rows[0] ?? { by_key: 0, all: 0 }
    }
    const watching = await openDatabase(url)
    const before = await counts(watching.query)
    const reading = await openDatabase(url)
    const referrals = Object.keys(await read(reading.query, account, scope)).length
    // A session reports what it did when it ends.
    await reading.close()
    let after = before
    for (let tries = 0; tries < 200 && after.by_key === before.by_key; tries++) {
      await sleep(20)
      after = await counts(watching.query)
    }
    await watching.close()
    return { referrals, rows: after.all - before.all }
  }

  test.each([
    { scope: 'all', account: 'fresh', changed: 6_000, rowsMax: 18_000 },
    { scope: 'unpublished', account: 'fresh', changed: 6_000, rowsMax: 18_000 },
    { scope: 'unpublished', account: 'large', changed: 450, rowsMax: 28_500 },
  ] as const)(
    'pages of $scope of the $account account read each version once, without statistics',
    ({ scope, account, changed, rowsMax }) =>
      withDatabase(async (db, url) => {
        await sql`alter table raw.payload set (autovacuum_enabled = false)`.execute(db)
        const published = await enterRun(db, accounts.large, 'published')
        await land(db, accounts.large, { referrals: 20_000, runId: published })
        await sql`analyze raw.payload`.execute(db)
        const failed = await enterRun(db, accounts.large, 'failed')
        await sql`
          update raw.payload set run_id = ${failed}::bigint
          where (payload ->> 'no')::integer <= 450`.execute(db)
        const running = await enterRun(db, accounts.fresh, 'running')
        await land(db, accounts.fresh, { referrals: 6_000, runId: running })
        const { referrals, rows } = await countRead(url, scope, accounts[account])
        expect(referrals).toBe(changed)
        // The probe for absences, the entries that updated rows leave, and a scan that finds the ids.
        expect(rows).toBeLessThanOrEqual(rowsMax)
      }),
  )
})
