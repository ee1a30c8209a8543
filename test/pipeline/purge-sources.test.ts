import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { run } from '../../src/pipeline/run.ts'
import { storeEligibilitySource } from '../../src/pipeline/stored-settings/eligibility-source.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { loadWith, writeFiles } from '../support/import-files.ts'
import { isLongClosed, peopleOf, readersSee, withNights } from '../support/purge-nights.ts'
import { contextOf, withSandbox } from '../support/with-pipeline.ts'

const north = { settings: { COSELL_ACCOUNT: 'north' } }

/** Landed rows of a kind by account and referral, with their number and content. */
async function landed(db: Kysely<Database>, type: string) {
  const { rows } = await sql<{ account: number; id: string; row: string }>`
    select r.partner_account_key as account, r.resource_id as id,
      concat_ws(' ', r.version_no, r.payload, p.people) as row
    from raw.payload r
    left join pii.payload p using (partner_account_key, resource_type, resource_id, version_no)
    where r.resource_type = ${type} order by 1, 2, r.version_no`.execute(db)
  return rows
}

describe('cosell purge of several sources', () => {
  test(
    'a referral that a file shows keeps its versions, and the star stays as it is',
    () =>
      withNights(
        { referrals: 40, seed: 4 },
        async ({ db, warehouse, home, sandbox, night, run, rebuild, purge }) => {
          await run()
          for (const kind of ['rewrite', 'rewrite', undefined, 'rewrite'] as const) {
            await night(40, kind)
          }
          const shown = sandbox.referrals().slice(0, 15)
          const context = contextOf(warehouse, home, [], {
            ...demoSettings(sandbox.url),
            ...north.settings,
          })
          const files = await writeFiles(path.join(home, 'downloads'), shown)
          const load = () => loadWith(context)(files, { account: 'north' })
          expect((await load()).new_rows).toBeGreaterThan(10)
          await night(40, 'rewrite')
          await night(40, 'rewrite')
          const before = await readersSee(db)
          const rows = await landed(db, 'csv_row')
          const filed = new Set(rows.map(({ id }) => id))
          const versions = await landed(db, 'referral')

          expect((await purge({ versions: 30 })).rows['raw.payload']).toBeGreaterThan(20)
          const left = await landed(db, 'referral')
          const ofFiles = (all: typeof left) => all.filter(({ id }) => filed.has(id))
          expect(filed.size).toBeGreaterThan(5)
          expect(ofFiles(left)).toEqual(ofFiles(versions))
          expect(left.length - ofFiles(left).length).toBeLessThan(
            versions.length - ofFiles(versions).length,
          )
          expect(await landed(db, 'csv_row')).toEqual(rows)
          expect(await readersSee(db)).toEqual(before)
          expect(await rebuild()).toMatchObject({ rows_written: 0 })
          expect(await load()).toMatchObject({ new_rows: 0 })
          expect(await run(true)).toMatchObject({ changed: 0, rows_written: 0 })
          expect(await rebuild()).toMatchObject({ rows_written: 0 })
        },
        north,
      ),
    180_000,
  )

  test(
    'the contacts of a closed referral go from the rows of files too, and the same file brings none',
    () =>
      withNights(
        { referrals: 60, seed: 11 },
        async ({ db, warehouse, home, sandbox, run, rebuild, purge }) => {
          await run()
          const settings = { ...demoSettings(sandbox.url), ...north.settings }
          const context = contextOf(warehouse, home, [], settings)
          const closed = sandbox.referrals().filter(isLongClosed)
          const files = await writeFiles(path.join(home, 'downloads'), sandbox.referrals())
          const load = () => loadWith(context)(files, { account: 'north' })
          expect((await load()).new_rows).toBeGreaterThan(40)
          const open = sandbox.referrals().filter((one) => !isLongClosed(one))
          /** Addresses of customers in the landed rows of these referrals; own teams stay. */
          const held = async (referrals: readonly Referral[]) => {
            const rows = await landed(db, 'csv_row')
            return referrals.flatMap(({ id, customerProfile, team }) => {
              const own = new Set((team ?? []).map(({ email }) => email))
              const addresses = (customerProfile?.team ?? []).flatMap(({ email }) => email ?? [])
              const texts = rows.filter((one) => one.id === id).map(({ row }) => row)
              return addresses.filter(
                (address) => !own.has(address) && texts.some((text) => text.includes(address)),
              )
            })
          }
          expect((await held(closed)).length).toBeGreaterThan(5)
          const before = await held(open)
          expect(before.length).toBeGreaterThan(2)
          const result = await purge({ contacts: 150 })
          expect(result.referrals).toBeGreaterThan(closed.length / 2)
          expect(await held(closed)).toEqual([])
          expect(await held(open)).toEqual(before)
          const people = await peopleOf(db)
          for (const { id, customerProfile, team } of closed) {
            const own = new Set((team ?? []).map(({ email }) => email))
            for (const { email } of customerProfile?.team ?? []) {
              if (email && !own.has(email)) expect(people.get(id ?? '')).not.toContain(email)
            }
          }

          const star = await readersSee(db)
          expect(await load()).toMatchObject({ new_rows: 0 })
          expect(await rebuild()).toMatchObject({ rows_written: 0 })
          expect(await purge({ contacts: 150 })).toMatchObject({ rows_purged: 0 })
          expect(await readersSee(db)).toEqual(star)
        },
        north,
      ),
    180_000,
  )

  test(
    'the versions of each account go on their own, and each star stays as it is',
    () =>
      withNights(
        { referrals: 30, seed: 4 },
        async ({ db, warehouse, home, night, rebuild, purge, plan, ...nights }) => {
          await nights.run()
          for (let day = 0; day < 4; day += 1) await night(30, 'rewrite')
          await withSandbox({ referrals: 20, seed: 5, clock: nights.clock }, async (south) => {
            const settings = { ...demoSettings(south.url), COSELL_ACCOUNT: 'south' }
            const load = (full = false) =>
              run(contextOf(warehouse, home, [], settings), full, nights.clock)
            await load()
            for (let day = 0; day < 4; day += 1) {
              south.change(20, 'rewrite')
              await nights.passNight()
              await load()
            }
            const before = await readersSee(db)
            const counts = async () => {
              const all = await landed(db, 'referral')
              return [1, 2].map((key) => all.filter(({ account }) => account === key).length)
            }
            const [ofNorth = 0, ofSouth = 0] = await counts()
            const planned = await plan({ versions: 30 })
            const result = await purge({ versions: 30 })
            expect(result.rows).toEqual(planned.rows)
            const [northLeft = 0, southLeft = 0] = await counts()
            expect(northLeft).toBeLessThan(ofNorth - 20)
            expect(southLeft).toBeLessThan(ofSouth - 10)
            expect(result.rows['raw.payload']).toBe(ofNorth + ofSouth - northLeft - southLeft)
            expect(await readersSee(db)).toEqual(before)
            expect(await rebuild()).toMatchObject({ rows_written: 0 })
            expect(await nights.run(true)).toMatchObject({ changed: 0, rows_written: 0 })
            expect(await load(true)).toMatchObject({ changed: 0, rows_written: 0 })
            expect(await readersSee(db)).toEqual(before)
          })
        },
        north,
      ),
    180_000,
  )

  test(
    'the last answer of each referral about fetched policies stays, and with it the star',
    () =>
      withNights(
        { referrals: 30, seed: 2, eligibility: 'address' },
        async ({ db, sandbox, night, run, rebuild, purge, plan }) => {
          const below = '/v1.0/engagements/referrals/{referralId}'
          const address = `${below}/registrationEligibilityPolicies`
          await storeEligibilitySource(db, address, [{ apiUrl: sandbox.url }])
          await run()
          for (let day = 0; day < 3; day += 1) await night(12, 'rewrite')
          const policies = () => landed(db, 'registration_eligibility')
          const before = await readersSee(db)
          const answers = await policies()
          const last = new Map(answers.map((one) => [one.id, one]))
          expect(answers.length).toBeGreaterThan(last.size)
          const planned = await plan({ versions: 30 })
          const result = await purge({ versions: 30 })
          expect(result.rows).toEqual(planned.rows)
          expect(await policies()).toEqual([...last.values()])
          expect(await readersSee(db)).toEqual(before)
          expect(await purge({ versions: 30 })).toMatchObject({ rows_purged: 0 })
          expect(await rebuild()).toMatchObject({ rows_written: 0 })
          expect(await run()).toMatchObject({ changed: 0, rows_written: 0 })
          expect(await readersSee(db)).toEqual(before)
        },
        north,
      ),
    180_000,
  )
})
