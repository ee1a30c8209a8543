import type { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { run } from '../../src/pipeline/run.ts'
import type { RunSummary } from '../../src/pipeline/run-summary.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { referralIdOf } from '../support/load-referrals.ts'
import { aReferral } from '../support/referral-builder.ts'
import { type Reply, withServer } from '../support/scripted-server.ts'
import { contextOf, withHome } from '../support/with-pipeline.ts'

interface Source {
  readonly referrals: Map<number, Referral>
  readonly db: Kysely<Database>
  night(): Promise<RunSummary>
}

/**
 * Runs `use` with an API of one referral a page that orders and skips, and knows no date filter: the
 * texts of its times are those of the test, around the true time of day.
 */
function withSource(use: (source: Source) => Promise<void>): Promise<void> {
  const referrals = new Map<number, Referral>()
  const script = ({ path }: { path: string }): Reply => answer([...referrals.values()], path)
  return withServer(script, (server) =>
    withHome((home) =>
      withDatabase((db, _, warehouse) => {
        const settings = {
          ...demoSettings(server.url),
          COSELL_ACCESS_TOKEN: 'a-token',
          COSELL_PAGE_SIZE: '1',
        }
        const night = () => run(contextOf(warehouse, home, [], settings), false)
        return use({ referrals, db, night })
      }),
    ),
  )
}

function answer(referrals: readonly Referral[], path: string): Reply {
  const url = new URL(path, 'http://source')
  const id = /referrals\/([^/]+)$/.exec(url.pathname)?.[1]
  if (id !== undefined) return { body: referrals.find((referral) => referral.id === id) }
  if (url.searchParams.has('$filter')) return { status: 400, body: { error: { code: 'no' } } }
  const [property = '', direction] = (url.searchParams.get('$orderby') ?? '').split(' ')
  const ordered = [...referrals].sort((a, b) =>
    String(a[property]) < String(b[property]) === (direction !== 'desc') ? -1 : 1,
  )
  const skip = Number(url.searchParams.get('$skip') ?? 0)
  const value = ordered.slice(skip, skip + Number(url.searchParams.get('$top') ?? 1))
  return { body: { '@odata.count': value.length, value } }
}

/** The instant `ms` milliseconds ago, to the second and without `Z`. */
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19)
const days = 24 * 60

const aDeal = (no: number, updatedDateTime: string) =>
  aReferral({
    id: referralIdOf(no),
    registrations: [],
    createdDateTime: `2025-01-01T00:00:0${no}Z`,
    updatedDateTime,
  })

const latestRun = (db: Kysely<Database>) =>
  db.selectFrom('etl.run').selectAll().orderBy('run_id', 'desc').limit(1).executeTakeFirstOrThrow()

test('a referral dated 2099 does not hide later updates', () =>
  withSource(async ({ referrals, db, night }) => {
    for (const no of [1, 2, 3, 4]) referrals.set(no, aDeal(no, `${ago(30 * days)}.1234567Z`))
    referrals.set(5, aDeal(5, '2099-01-01T00:00:00.1234567Z'))
    expect(await night()).toMatchObject({ changed: 5 })
    const first = await latestRun(db)
    expect(first.watermark_to).toBe(first.filter_to)
    for (const [index, more] of [[1, 2, 3], [4], [1, 2, 3, 4]].entries()) {
      for (const no of more) referrals.set(no, aDeal(no, `${ago(5 - index)}.${no}Z`))
      expect(await night()).toMatchObject({ changed: more.length })
      const latest = await latestRun(db)
      expect(latest.run_mode).toBe('incremental')
      expect(latest.watermark_to).toBe(latest.filter_to)
    }
    const held = await db
      .selectFrom('dw.fact_referral')
      .select(({ fn }) => fn.max('updated_at').as('newest'))
      .executeTakeFirst()
    expect(held?.newest).toBe('2099-01-01T00:00:00.123456Z')
  }))

test('the watermark is the latest source time with seven digits, and stays on quiet nights', () =>
  withSource(async ({ referrals, db, night }) => {
    const second = ago(60)
    const texts = [
      `${second}Z`,
      `${second}.45Z`,
      `${second}.4579123Z`,
      `${second}.4579128+00:00`,
      'last spring',
    ]
    for (const [index, text] of texts.entries()) referrals.set(index + 1, aDeal(index + 1, text))
    await night()
    const { watermark_text, watermark_to } = await latestRun(db)
    expect(watermark_text).toBe(`${second}.4579128Z`)
    expect(watermark_to).toBe(`${second}.457912Z`)
    referrals.delete(5)
    for (const run_mode of ['full', 'incremental']) {
      expect(await night()).toMatchObject({ rows_written: 0 })
      expect(await latestRun(db)).toMatchObject({ run_mode, watermark_text })
    }
    referrals.set(2, aDeal(2, `${second}.4579129Z`))
    expect(await night()).toMatchObject({ changed: 1 })
    expect((await latestRun(db)).watermark_text).toBe(`${second}.4579129Z`)
  }))
