import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { Simulation } from '../../../src/sandbox/population/simulation.ts'
import { Random } from '../../../src/sandbox/random.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { type Digest, digestState } from '../../support/digest.ts'
import { type ImportTest, loadWith, withImport, writeFiles } from '../../support/import-files.ts'
import { contextOf, withPipeline } from '../../support/with-pipeline.ts'

const seed = 11
/** Numbers of landed rows say in which order they came; so do accounts of their beginning. */
const ofImport = ['etl.quarantine.version_no']

/** Members that a state in between had stay in the dimensions, as those of old versions do. */
const references: Readonly<Record<string, readonly [key: string, ...facts: string[]]>> = {
  'dw.dim_customer': [
    'customer_key',
    'dw.fact_referral',
    'dw.fact_referral_history',
    'dw.fact_registration',
  ],
  'dw.dim_solution': ['solution_key', 'dw.fact_referral_solution', 'dw.fact_registration_solution'],
  'dw.dim_tag': ['tag_key', 'dw.bridge_referral_tag', 'dw.bridge_line_incentive'],
  'dw.dim_seller': ['seller_key', 'dw.bridge_referral_seller'],
  'dw.dim_status': ['status_key', 'dw.fact_referral', 'dw.fact_referral_history'],
}

/** The state of the warehouse, with the members of dimensions that facts refer to. */
async function stateOf(db: Kysely<Database>, leaveOut: readonly string[]): Promise<Digest> {
  const digest: Record<string, string> = {
    ...(await digestState(db, [...leaveOut, ...Object.keys(references)])),
  }
  for (const [name, [key, ...facts]] of Object.entries(references)) {
    const used = facts.map((fact) => `select ${key} from ${fact}`).join(' union ')
    const rows = await sql<{ digest: string }>`
      select count(*) || ' rows ' || md5(string_agg(shown, ',' order by shown)) as digest
      from (
        select (to_jsonb(t) - array[${key}::text, 'created_run_id', 'updated_run_id', 'row_hash',
          'partner_account_key'])::text as shown
        from ${sql.table(name)} t
        where ${sql.ref(key)} in (${sql.raw(used)})
      ) members`.execute(db)
    digest[name] = rows.rows[0]?.digest ?? ''
  }
  return digest
}

interface Unit {
  readonly file: string
  readonly asOf: string | undefined
}

/** Files of two downloads that lie apart, in overlapping pieces; the days of some are known. */
async function units({ home }: ImportTest, days: readonly (string | undefined)[]): Promise<Unit[]> {
  const simulation = await Simulation.create(24, seed, 0)
  const all: Unit[] = []
  for (const [at, asOf] of days.entries()) {
    const whole = simulation.referrals()
    const parts = [whole.slice(0, 15), whole.slice(10)]
    for (const [no, part] of parts.entries()) {
      const folder = path.join(home, `download ${at}`, `part ${no}`)
      const files = await writeFiles(folder, part)
      all.push(...files.map((file) => ({ file, asOf })))
    }
    simulation.change(12)
  }
  return all
}

function shuffled<T>(items: readonly T[], order: number): T[] {
  const random = new Random(seed, order)
  const keyed = items.map((item) => ({ item, key: random.unit() }))
  return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item)
}

/** Imports files in an order of their own, in groups of those of one day, some of them twice. */
async function loadInOrder(test: ImportTest, all: readonly Unit[], order: number) {
  let group: Unit[] = []
  const loadGroup = async () => {
    const [first] = group
    if (first !== undefined) {
      await test.load(
        group.map(({ file }) => file),
        { asOf: first.asOf },
      )
    }
    group = []
  }
  const some = order === 0 ? [] : shuffled(all, order + 100).slice(0, 4)
  const given = order === 0 ? all : [...shuffled(all, order), ...some]
  for (const unit of given) {
    const isOther = group[0] !== undefined && group[0].asOf !== unit.asOf
    if (isOther || group.length > order * 3 + 4) await loadGroup()
    group.push(unit)
  }
  await loadGroup()
}

async function digestsOf(days: readonly (string | undefined)[], orders: readonly number[]) {
  const digests: Digest[] = []
  for (const order of orders) {
    await withImport(async (test) => {
      await loadInOrder(test, await units(test, days), order)
      digests.push(await stateOf(test.db, ofImport))
    })
  }
  return digests
}

describe('files in any order, any number of times, in overlapping pieces', () => {
  test.each([
    { what: 'whose days are known', days: ['2090-01-01', '2090-02-01'] },
    { what: 'without known days', days: [undefined, undefined] },
    { what: 'of which some have a known day', days: [undefined, '2090-02-01'] },
  ])('files $what give one warehouse', async ({ days }) => {
    const [first, ...others] = await digestsOf(days, [0, 1, 2])
    for (const other of others) expect(other).toEqual(first)
  })
})

describe('files beside the API', () => {
  /** The API was read at different times; what it shows is the same. */
  const read = ['observed_at', 'created_run_id', 'updated_run_id', 'row_hash', ...ofImport]

  async function stateAfter(steps: readonly ('api' | 'files')[]): Promise<Digest> {
    let state: Digest = {}
    await withPipeline({ referrals: 30, seed }, async (nights) => {
      const { sandbox, warehouse, home, db, run } = nights
      const files = await writeFiles(path.join(home, 'downloads'), sandbox.referrals())
      const context = contextOf(warehouse, home, [], demoSettings(sandbox.url))
      for (const step of steps) {
        if (step === 'api') await run()
        else await loadWith(context)(files)
      }
      state = await stateOf(db, [...read, 'dw.dim_partner_account', 'dw.fact_microsoft_acv'])
    })
    return state
  }

  test('the API before files, files before the API, and the API alone give the same star', async () => {
    const apiFirst = await stateAfter(['api', 'files'])
    const filesFirst = await stateAfter(['files', 'api'])
    const alone = await stateAfter(['api'])
    expect(filesFirst).toEqual(apiFirst)
    expect(apiFirst).toEqual(alone)
  })
})

describe('a file of registrations', () => {
  test('registrations wait for their referrals, and are applied when these come from a file', () =>
    withImport(async (test) => {
      const simulation = await Simulation.create(40, seed, 0)
      const files = await writeFiles(path.join(test.home, 'downloads'), simulation.referrals())
      const isOf = (file: string) => file.includes('registrations')
      const waiting = await test.load(files.filter(isOf))
      expect(waiting.waiting).toBeGreaterThan(2)
      expect(waiting).toMatchObject({ changed: 0, quarantined: 0, bad_cells: 0 })
      const counted = () =>
        sql<{ rows: number }>`select count(*) as rows from dw.fact_registration`.execute(test.db)
      expect((await counted()).rows).toEqual([{ rows: 0 }])
      const loaded = await test.load(files.filter((file) => file.includes('2023')))
      expect(loaded.waiting).toBe(0)
      expect((await counted()).rows).toEqual([{ rows: waiting.waiting }])
    }))

  test('registrations wait for the API as well', () =>
    withPipeline({ referrals: 40, seed }, async ({ sandbox, warehouse, home, db, run }) => {
      const files = await writeFiles(path.join(home, 'downloads'), sandbox.referrals())
      const load = loadWith(contextOf(warehouse, home, [], demoSettings(sandbox.url)))
      const registrations = files.filter((file) => file.includes('registrations'))
      const waiting = await load(registrations)
      expect(waiting.waiting).toBeGreaterThan(2)
      const night = await run()
      expect(night.reconciliation).toMatchObject({ waiting: 0, quarantined: 0 })
      const fact = await sql<{ rows: number }>`
        select count(*) as rows from dw.fact_registration`.execute(db)
      expect(fact.rows[0]?.rows).toBeGreaterThanOrEqual(waiting.waiting)
    }))
})
