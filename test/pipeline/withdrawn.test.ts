import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { SandboxOptions } from '../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { type AlteredReply, type AskedFor, withAltered } from '../support/altered-sandbox.ts'
import { digestState } from '../support/digest.ts'
import { whileLocked } from '../support/load-referrals.ts'
import { startCli } from '../support/run-cli.ts'
import {
  failureOf,
  type Settings,
  type TestPipeline,
  withPipeline,
} from '../support/with-pipeline.ts'

const population = { referrals: 70, seed: 7 }

/** Ways in which the API shows how many referrals it lists. */
const countable: readonly { how: string; options: Partial<SandboxOptions> }[] = [
  { how: 'by $skip', options: { dateFilter: false, pageCap: 9 } },
  { how: 'by its count', options: { count: 'total', top: 'total', skip: false, pageCap: 30 } },
]
const uncountable = { skip: false, pageCap: 30 } as const

async function missingIn(db: Kysely<Database>): Promise<string[]> {
  const missing = await db
    .selectFrom('dw.dim_referral')
    .select('referral_id')
    .where('is_missing', '=', true)
    .orderBy('referral_id')
    .execute()
  return missing.map((row) => row.referral_id)
}

async function isLoaded(db: Kysely<Database>, id: string): Promise<boolean> {
  const found = await db
    .selectFrom('dw.fact_referral')
    .innerJoin('dw.dim_referral', 'dw.dim_referral.referral_key', 'dw.fact_referral.referral_key')
    .select('referral_id')
    .where('referral_id', '=', id)
    .execute()
  return found.length === 1
}

async function absencesIn(db: Kysely<Database>): Promise<string[]> {
  const landed = await db
    .selectFrom('raw.payload')
    .select('resource_id')
    .where('resource_type', '=', 'referral_absence')
    .orderBy('resource_id')
    .execute()
  return landed.map((row) => row.resource_id)
}

/** Modes of the runs, in order. */
async function modesIn(db: Kysely<Database>): Promise<string[]> {
  const runs = await db.selectFrom('etl.run').select('run_mode').orderBy('run_id').execute()
  return runs.map((run) => run.run_mode)
}

/** Plays nights, each a day after the one before; returns what `look` finds after each. */
async function nightsOf<T>(
  { passNight, run }: TestPipeline,
  count: number,
  look: () => Promise<T>,
  settings?: Settings,
): Promise<T[]> {
  const found: T[] = []
  for (let night = 1; night <= count; night++) {
    await passNight()
    await run(false, settings)
    found.push(await look())
  }
  return found
}

/** Referrals with a registration under review, in id order; such are read by id each night. */
function underReview(referrals: readonly Referral[]): string[] {
  const open = ['ReviewPending', 'ActionRequired']
  return referrals
    .filter(({ registrations }) =>
      (registrations ?? []).some(({ status }) => open.includes(status ?? '')),
    )
    .map(({ id }) => id ?? '')
    .sort()
}

/** A referral that was not updated lately and has no registration under review. */
function anOldDeal(referrals: readonly Referral[]): string {
  const open = new Set(underReview(referrals))
  const old = referrals
    .filter(({ id }) => !open.has(id ?? ''))
    .sort((one, other) => ((one.updatedDateTime ?? '') < (other.updatedDateTime ?? '') ? -1 : 1))
  return old[0]?.id ?? ''
}

/** Plays a quiet night; returns how many list calls were about something else than changes. */
async function askedForTotal(nights: TestPipeline): Promise<number> {
  const { requests } = nights.sandbox
  const before = requests.length
  await nightsOf(nights, 1, async () => undefined)
  const urls = requests.slice(before).map(({ url }) => decodeURIComponent(url))
  const lists = urls.filter((url) => url.includes('/referrals?'))
  return lists.filter((url) => !/orderby=updatedDateTime|skiptoken/.test(url)).length
}

/** Makes the full read due after three nights, so that a life is short. */
async function shortenWeek({ db }: TestPipeline) {
  await setSetting(db, 'full_read_days_max', '3')
}

async function setSetting(db: Kysely<Database>, name: string, value: string) {
  await db
    .updateTable('etl.setting')
    .set({ setting_value: value })
    .where('setting_name', '=', name)
    .execute()
}

describe.each(countable)('referrals that the API counts $how', ({ options }) => {
  test('a referral withdrawn on a Tuesday is missing on Thursday, and back once it returns', () =>
    withPipeline({ ...population, ...options }, async (nights) => {
      const { sandbox, db, run, rebuild } = nights
      await run()
      expect(await askedForTotal(nights)).toBe(1)
      const gone = sandbox.vanish([anOldDeal(sandbox.referrals())])
      expect(await nightsOf(nights, 3, () => missingIn(db))).toEqual([[], gone, gone])
      expect(await absencesIn(db)).toEqual([...gone, ...gone])
      // Once after the list of the full read, and once in the next night.
      expect(sandbox.requests.filter(({ url }) => url.includes(String(gone)))).toHaveLength(2)
      sandbox.reappear()
      expect(await nightsOf(nights, 2, () => missingIn(db))).toEqual([[], []])
      expect(await modesIn(db)).toEqual([
        ...['full', 'incremental'],
        ...['full', 'incremental', 'incremental'],
        ...['full', 'incremental'],
      ])
      const grown = await digestState(db)
      expect(await rebuild()).toMatchObject({ changed: 0, missing: 0 })
      expect(await digestState(db)).toEqual(grown)
    }))

  test('a referral that becomes visible late is loaded that night, and new ones cause no full read', () =>
    withPipeline({ ...population, ...options }, async (nights) => {
      const { sandbox, db, run } = nights
      await run()
      sandbox.arrive(3)
      sandbox.change(5)
      await nightsOf(nights, 1, async () => undefined)
      const [late = ''] = sandbox.appear(1)
      expect(await nightsOf(nights, 2, () => isLoaded(db, late))).toEqual([true, true])
      expect(await modesIn(db)).toEqual(['full', 'incremental', 'full', 'incremental'])
    }))
})

describe('referrals that the API does not count', () => {
  test('a withdrawn referral is missing in the night after the next planned full read', () =>
    withPipeline({ ...population, ...uncountable }, async (nights) => {
      const { sandbox, db, run } = nights
      await shortenWeek(nights)
      await run()
      const gone = sandbox.vanish([anOldDeal(sandbox.referrals())])
      expect(await askedForTotal(nights)).toBe(0)
      expect(await nightsOf(nights, 3, () => missingIn(db))).toEqual([[], [], gone])
      const modes = ['full', 'incremental', 'incremental', 'full', 'incremental']
      expect(await modesIn(db)).toEqual(modes)
    }))

  test('a withdrawn referral under review is missing after two reads by id, without a full read', () =>
    withPipeline({ ...population, ...uncountable, referrals: 300 }, async (nights) => {
      const { sandbox, db, run } = nights
      await run()
      const [first = '', ...others] = underReview(sandbox.referrals())
      expect(others).not.toEqual([])
      const gone = sandbox.vanish([first])
      expect(await nightsOf(nights, 2, () => missingIn(db))).toEqual([[], gone])
      expect(await modesIn(db)).toEqual(['full', 'incremental', 'incremental'])
    }))
})

test('a referral that appears while another leaves waits for the next planned full read', () =>
  withPipeline(population, async (nights) => {
    const { sandbox, db, run } = nights
    await shortenWeek(nights)
    await run()
    const gone = sandbox.vanish([anOldDeal(sandbox.referrals())])
    const [late = ''] = sandbox.appear(1)
    const look = async () => [await isLoaded(db, late), (await missingIn(db)).length]
    expect(await nightsOf(nights, 4, look)).toEqual([
      ...[
        [false, 0],
        [false, 0],
      ],
      ...[
        [true, 0],
        [true, gone.length],
      ],
    ])
  }))

test('looks of one night are one look, however many runs it has', () =>
  withPipeline(population, async (nights) => {
    const { sandbox, db, run } = nights
    await run()
    const gone = sandbox.vanish(2).sort()
    for (const full of [false, true, false, true]) {
      expect(await run(full)).toMatchObject({ missing: 0 })
    }
    expect(await absencesIn(db)).toEqual(gone)
    expect(await nightsOf(nights, 1, () => missingIn(db))).toEqual([gone])
  }))

describe('a role that was lost', () => {
  test('nights in which many referrals are gone end with 65 until the role is back', () =>
    withPipeline(population, async (nights) => {
      const { sandbox, db, run, passNight } = nights
      await run()
      const before = await digestState(db)
      sandbox.vanish(30)
      for (const night of [1, 2]) {
        await passNight()
        const asked = sandbox.requests.length
        expect(await failureOf(run()), `night ${night}`).toMatchObject({
          code: 'full_read.too_many_missing',
          exitCode: 65,
          message: expect.stringContaining('did not return 30 of 70 known referrals'),
        })
        // Those that are gone are not read by id, but for registrations under review.
        const byId = sandbox.requests.slice(asked).filter(({ url }) => /referrals\/./.test(url))
        expect(byId.length).toBeLessThan(10)
      }
      expect(await absencesIn(db)).toEqual([])
      expect(await digestState(db)).toEqual(before)
      sandbox.reappear()
      expect(await nightsOf(nights, 2, () => missingIn(db))).toEqual([[], []])
      expect(await digestState(db)).toEqual(before)
    }))

  test('a night in which many referrals are not found by id ends with 65', () =>
    withPipeline({ ...population, ...uncountable, referrals: 600 }, async (nights) => {
      const { sandbox, db, run, passNight } = nights
      await run()
      await setSetting(db, 'missing_count_max', '2')
      await setSetting(db, 'missing_percent_max', '0')
      const open = sandbox.vanish(underReview(sandbox.referrals()))
      expect(open.length).toBeGreaterThan(2)
      await passNight()
      const text = `Reads by id did not find ${open.length} of 600 known referrals`
      expect(await failureOf(run())).toMatchObject({
        code: 'full_read.too_many_missing',
        message: expect.stringContaining(text),
      })
      expect(await absencesIn(db)).toEqual([])
    }))
})

describe('an API that reads by id otherwise than it lists', () => {
  /** Plays nights after a referral was withdrawn, over an API changed by `alter`. */
  async function playAltered(
    alter: (reply: AlteredReply, asked: AskedFor, gone: string) => void,
    use: (nights: TestPipeline, settings: Settings, gone: string) => Promise<void>,
  ) {
    await withPipeline(population, async (nights) => {
      const { sandbox, run } = nights
      await run()
      const gone = anOldDeal(sandbox.referrals())
      await withAltered(
        sandbox,
        (reply, asked) => alter(reply, asked, gone),
        (settings) => use(nights, settings, gone),
      )
    })
  }

  test('a referral that the list lacks and a read by id finds is not absent', () =>
    playAltered(
      ({ body }, _, gone) => {
        if (Array.isArray(body.value)) body.value = body.value.filter(({ id }) => id !== gone)
      },
      async (nights, settings) => {
        const { db, run, passNight } = nights
        for (const night of [1, 2]) {
          await passNight()
          const summary = await run(true, settings)
          expect(summary, `night ${night}`).toMatchObject({ seen: 70, missing: 0 })
        }
        expect(await absencesIn(db)).toEqual([])
      },
    ))

  test('404 for every read by id is no evidence: only full reads make a referral missing', () =>
    playAltered(
      (reply, { id }) => {
        if (id !== null) reply.status = 404
      },
      async (nights, settings, gone) => {
        const { sandbox, db, logged } = nights
        await shortenWeek(nights)
        sandbox.vanish([gone])
        const found = await nightsOf(nights, 4, () => missingIn(db), settings)
        expect(found).toEqual([[], [], [], [gone]])
        expect((await modesIn(db)).slice(1)).toEqual(['full', 'incremental', 'incremental', 'full'])
        const doubts = logged.filter((line) => line.includes('reads by id find no referral'))
        // In each night with changes alone: first for registrations under review, then for the absent.
        expect(doubts).toHaveLength(3)
      },
    ))

  test('403 for a withdrawn referral says what 404 says', () =>
    playAltered(
      (reply, { id }, gone) => {
        if (id === gone) reply.status = 403
      },
      async (nights, settings, gone) => {
        const { sandbox, db } = nights
        sandbox.vanish([gone])
        expect(await nightsOf(nights, 2, () => missingIn(db), settings)).toEqual([[], [gone]])
      },
    ))

  test('no answer for a withdrawn referral ends no run and is no look', () =>
    playAltered(
      (reply, { id }, gone) => {
        if (id === gone) reply.status = 501
      },
      async (nights, settings, gone) => {
        const { sandbox, db } = nights
        sandbox.vanish([gone])
        expect(await nightsOf(nights, 2, () => missingIn(db), settings)).toEqual([[], []])
        expect(await absencesIn(db)).toEqual([gone])
        expect(await nightsOf(nights, 1, () => missingIn(db))).toEqual([[gone]])
      },
    ))
})

/** Whether a session of the child process waits for a lock. */
async function isChildWaiting(db: Kysely<Database>): Promise<boolean> {
  const waiting = await sql`
    select 1 from pg_stat_activity
    where datname = current_database() and application_name = 'child'
      and wait_event_type = 'Lock'`.execute(db)
  return waiting.rows.length > 0
}

describe('a run that is killed', () => {
  const steps = [
    {
      table: 'etl.principal_referral',
      what: 'before it lands an absence',
      modes: ['full', 'full', 'full'],
    },
    { table: 'etl.run_table', what: 'in its publish', modes: ['full', 'full', 'incremental'] },
  ] as const

  test.each(steps)(
    'a run that is killed $what loses nothing of what left and appeared',
    ({ table, modes }) =>
      withPipeline(population, async (nights) => {
        const { sandbox, db, url, home, warehouse, run } = nights
        await run()
        const gone = sandbox.vanish([anOldDeal(sandbox.referrals())])
        const [late = ''] = sandbox.appear(2)
        const env = {
          ...demoSettings(sandbox.url),
          COSELL_DATABASE_URL: `${url}?application_name=child`,
          COSELL_HOME: home,
        }
        await whileLocked(warehouse, table, async () => {
          const child = startCli(['run', '--json'], { env, cwd: home })
          while (!(await isChildWaiting(db))) await sleep(20)
          child.child.kill('SIGKILL')
          await child.ended
        })
        await db.updateTable('etl.lease').set({ expires_at: '2026-01-01T00:00:00Z' }).execute()
        await run()
        expect(await modesIn(db)).toEqual(modes)
        expect(await isLoaded(db, late)).toBe(true)
        expect(await absencesIn(db)).toEqual(gone)
        expect(await missingIn(db)).toEqual([])
        expect(await nightsOf(nights, 1, () => missingIn(db))).toEqual([gone])
      }),
  )
})
