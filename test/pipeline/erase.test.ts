import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { acquireLease } from '../../src/load/runs/lease.ts'
import { type EraseRequest, erase, findErasable } from '../../src/pipeline/erase/erase.ts'
import { keepErased } from '../../src/pipeline/erase/keep-erased.ts'
import { registerFileOf } from '../../src/pipeline/erase/register-file.ts'
import { rebuild } from '../../src/pipeline/rebuild.ts'
import { run } from '../../src/pipeline/run.ts'
import { restoreDump } from '../../src/warehouse/dump/restore-dump.ts'
import { writeDump } from '../../src/warehouse/dump/write-dump.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { runProgram } from '../faults/crash/program.ts'
import { withAltered } from '../support/altered-sandbox.ts'
import { canaries, email, holders, plant } from '../support/canary.ts'
import { withDatabase } from '../support/database.ts'
import { digestRowVersions, digestState } from '../support/digest.ts'
import { silent } from '../support/load-referrals.ts'
import { runCli } from '../support/run-cli.ts'
import {
  contextOf,
  failureOf,
  type Settings,
  type TestPipeline,
  withPipeline,
} from '../support/with-pipeline.ts'

interface Erasing extends TestPipeline {
  readonly settings: Settings
  context(): ReturnType<typeof contextOf>
  night(full?: boolean): ReturnType<typeof run>
}

function withCanary(use: (nights: Erasing) => Promise<void>): Promise<void> {
  return withPipeline({ referrals: 60, seed: 5, broken: 2 }, (nights) =>
    withAltered(nights.sandbox, plant, (settings) => {
      const { warehouse, home, logged } = nights
      const context = () => contextOf(warehouse, home, logged as string[], settings)
      const night = async (full = false) => {
        await keepErased(context())
        return run(context(), full)
      }
      return use({ ...nights, settings, context, night })
    }),
  )
}

async function eraseNow(context: ReturnType<typeof contextOf>, request: EraseRequest) {
  return erase(context, await findErasable(context, request))
}

async function filesWith(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const found: string[] = []
  for (const name of names) {
    const file = path.join(folder, name)
    if (!(await stat(file)).isFile()) continue
    const content = (await readFile(file, 'latin1')).toLowerCase()
    if (canaries.some((canary) => content.includes(canary))) found.push(name)
  }
  return found
}

/** What the star holds of people, but for those with an address: a text a row. */
async function peopleBut(db: Kysely<Database>, address: string): Promise<string[]> {
  const { rows } = await sql<{ person: string }>`
    select row(r.referral_id, c.contact_role, c.first_name, c.last_name, c.phone_number, c.email,
      c.title, c.locale)::text as person
    from pii.contact c
    join dw.dim_referral r using (partner_account_key, referral_key)
    where c.email is not null and lower(c.email) <> ${address}
    order by 1`.execute(db)
  return rows.map(({ person }) => person)
}

/** Members of teams by referral and role, erased ones among them. */
async function memberCounts(db: Kysely<Database>): Promise<unknown> {
  const { rows } = await sql`
    select referral_key, contact_role, count(*) as members from pii.contact
    group by 1, 2 order by 1, 2`.execute(db)
  return rows
}

async function addressesOf(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ address: string }>`
    select distinct lower(email) as address from pii.contact where email is not null
    order by 1`.execute(db)
  return rows.map(({ address }) => address)
}

/** Tables in which an erasure changes rows; every other one stays as it was. */
const tablesOfPeople = [
  ...['pii.contact', 'pii.referral_text'],
  ...['dw.dim_seller', 'dw.bridge_referral_seller'],
]

describe('erased people', () => {
  test(
    'an erased person is nowhere after a run, the restore of an older dump, and another run',
    () =>
      withCanary(async ({ warehouse, home, context, night, logged, settings, sandbox }) => {
        await night()
        const places = (await holders(warehouse)).map((place) => place.split(':')[0])
        expect(places).toEqual(
          expect.arrayContaining(['pii.contact', 'pii.payload', 'pii.referral_text']),
        )
        const dump = path.join(home, 'older.dump')
        await writeDump(warehouse, dump, () => undefined)

        const result = await eraseNow(context(), { email })
        expect(result.referrals).toBeGreaterThan(5)
        expect(result.rows['pii.payload']).toBeGreaterThanOrEqual(result.referrals)
        expect(result.rows['pii.contact']).toBeGreaterThanOrEqual(result.referrals)
        expect(await holders(warehouse)).toEqual([])

        sandbox.change(20)
        await night(true)
        expect(await holders(warehouse)).toEqual([])

        await withDatabase(async (_, __, other) => {
          await restoreDump(other, dump, () => undefined)
          await rm(dump)
          expect(await holders(other)).not.toEqual([])
          const elsewhere = contextOf(other, home, logged as string[], settings)
          await keepErased(elsewhere)
          expect(await holders(other)).toEqual([])
          await run(elsewhere, true)
          expect(await holders(other)).toEqual([])
          await rebuild(elsewhere)
          expect(await holders(other)).toEqual([])
        })
        const isTold = (line: string) => canaries.some((one) => line.toLowerCase().includes(one))
        expect(logged.filter(isTold)).toEqual([])
        expect(await filesWith(home)).toEqual([])
      }),
    180_000,
  )

  test('an erased person changes no row on the nights and the rebuild that follow', () =>
    withCanary(async ({ db, context, night }) => {
      await night()
      await eraseNow(context(), { email })
      const before = await digestRowVersions(db)
      expect(await night()).toMatchObject({ changed: 0, rows_written: 0 })
      expect(await night(true)).toMatchObject({ changed: 0, rows_written: 0 })
      await rebuild(context())
      expect(await digestRowVersions(db)).toEqual(before)
    }))

  test(
    'an erasure leaves everyone else, and every figure, as they were',
    () =>
      withPipeline(
        { referrals: 50, seed: 7, broken: 1 },
        async ({ db, warehouse, home, sandbox, run, rebuild }) => {
          await run()
          sandbox.change(20)
          await run()
          await fc.assert(
            fc.asyncProperty(fc.nat(), async (choice) => {
              const addresses = await addressesOf(db)
              const address = addresses[choice % addresses.length] ?? ''
              const people = await peopleBut(db, address)
              const counts = await memberCounts(db)
              const figures = await digestState(db, tablesOfPeople)
              await eraseNow(contextOf(warehouse, home, [], {}), { email: address })
              await rebuild()
              expect(await peopleBut(db, address)).toEqual(people)
              expect(await memberCounts(db)).toEqual(counts)
              expect(await digestState(db, tablesOfPeople)).toEqual(figures)
              expect(await holders(warehouse, [address])).toEqual([])
            }),
            { numRuns: 4, seed: 3, endOnFailure: true },
          )
        },
      ),
    180_000,
  )

  test(
    'an erasure that was killed anywhere is finished by the next run',
    () =>
      withPipeline({ referrals: 40, seed: 9 }, async ({ db, warehouse, home, url, run }) => {
        await run()
        const program = { door: inject('programDoor') }
        const env = { COSELL_DATABASE_URL: url, COSELL_HOME: home }
        const given = (address: string) => ({
          ...{ cwd: home, env, words: ['erase', '--email', address, '--yes'] },
        })
        const [first = '', ...others] = await addressesOf(db)
        const whole = await runProgram(program, given(first))
        expect(whole.code, whole.stderr).toBe(0)
        const boundaries = whole.boundaries.length
        const parts = 6
        let due = 0
        for (let part = 1; part <= parts; part += 1) {
          const address = others[part * 3] ?? ''
          const at = Math.floor((boundaries * part) / (parts + 1))
          const blow = { at, isSent: false }
          const killed = await runProgram(program, { ...given(address), blow })
          expect(killed).toMatchObject({ signal: 'SIGKILL' })
          const { rows } = await sql`select from pii.erasure where last_applied_at is null`.execute(
            db,
          )
          due += rows.length
          await sql`update etl.lease set expires_at = clock_timestamp()`.execute(db)
          await keepErased(contextOf(warehouse, home, [], {}))
          // Killed before it was registered, nobody asked for it.
          if (rows.length > 0) expect(await holders(warehouse, [address])).toEqual([])
        }
        expect(due).toBeGreaterThan(2)
      }),
    180_000,
  )
})

describe('cosell erase', () => {
  test('cosell erase --referral erases people and notes of one referral alone', () =>
    withCanary(async ({ db, context, night }) => {
      await night()
      const { rows } = await sql<{ referral: string; people: number }>`
        select r.referral_id as referral, count(*) as people
        from pii.contact c join dw.dim_referral r using (partner_account_key, referral_key)
        group by 1 order by 1 limit 2`.execute(db)
      const [one, other] = rows
      const named = (referral = '') =>
        sql<{ named: number }>`
        select count(*) as named
        from pii.contact c join dw.dim_referral r using (partner_account_key, referral_key)
        where r.referral_id = ${referral} and coalesce(c.first_name, c.last_name, c.email,
          c.phone_number, c.title) is not null`
          .execute(db)
          .then((found) => found.rows[0]?.named)
      const before = await named(other?.referral)
      const result = await eraseNow(context(), { referral: one?.referral ?? '' })
      expect(result.referrals).toBe(1)
      expect(result.rows['pii.contact']).toBe(one?.people)
      expect(await named(one?.referral)).toBe(0)
      expect(await named(other?.referral)).toBe(before)
      expect(await night(true)).toMatchObject({ changed: 0, rows_written: 0 })
    }))

  test('an erasure refuses while a run holds an account, and a run leaves to the next one what is due', () =>
    withCanary(async ({ db, warehouse, context, night, logged }) => {
      await night()
      const held = await acquireLease(db, 1, 'another', silent)
      const failure = await failureOf(eraseNow(context(), { email }))
      expect(failure).toMatchObject({ code: 'lease.held', exitCode: 4 })
      expect(await db.selectFrom('pii.erasure').selectAll().execute()).toEqual([])
      await held.release()

      await eraseNow(context(), { email })
      await sql`update pii.erasure set last_applied_at = null`.execute(db)
      const again = await acquireLease(db, 1, 'another', silent)
      await keepErased(context())
      expect(logged.at(-1)).toContain('Erased people are left to the next run.')
      await again.release()
      await keepErased(context())
      const applied = await db.selectFrom('pii.erasure').select('last_applied_at').execute()
      expect(applied.filter((row) => row.last_applied_at === null)).toEqual([])
      expect(await holders(warehouse)).toEqual([])
    }))

  test('a register that cannot be read stops a run, and a missing one is written again', () =>
    withCanary(async ({ home, context, night }) => {
      await night()
      await eraseNow(context(), { email })
      const file = registerFileOf(home)
      const content = await readFile(file, 'utf8')
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      await writeFile(file, content.slice(0, 40))
      const failure = await failureOf(keepErased(context()))
      expect(failure).toMatchObject({ code: 'erase.register_unreadable', exitCode: 78 })
      await rm(file)
      await keepErased(context())
      expect(await readFile(file, 'utf8')).toBe(content)
    }))

  test('cosell erase asks first, and takes one of --email and --referral', () =>
    withPipeline({ referrals: 10, seed: 1 }, async ({ home, url, run }) => {
      await run()
      const cli = (...words: string[]) =>
        runCli(['erase', ...words], {
          cwd: home,
          env: { COSELL_DATABASE_URL: url, COSELL_HOME: home },
        })
      const [both, unasked, noAddress, unknown, done] = await Promise.all([
        cli('--email', 'ada@example.com', '--referral', 'x'),
        cli('--email', 'ada@example.com'),
        cli('--email', 'Ada Moe', '--yes'),
        cli('--referral', 'no-such-id', '--yes'),
        cli('--email', 'nobody@example.com', '--yes', '--json'),
      ])
      expect(both).toMatchObject({ code: 2 })
      expect(both.stderr).toContain('expected --email or --referral, got both')
      expect(unasked).toMatchObject({ code: 2 })
      expect(unasked.stderr).toContain('Nothing of them is in')
      expect(noAddress).toMatchObject({ code: 2 })
      expect(noAddress.stderr).not.toContain('Ada')
      expect(unknown).toMatchObject({ code: 2 })
      expect(JSON.parse(done.stdout)).toEqual({
        status: 'erased',
        referrals: 0,
        rows: {},
        rows_erased: 0,
        hashes: 1,
      })
    }))
})
