import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { initialLoad } from '../../../src/load/initial/initial-load.ts'
import { readLanded } from '../../../src/load/landing/read-landed.ts'
import { createLog } from '../../../src/log.ts'
import { corruptReferral } from '../../../src/sandbox/population/corrupt.ts'
import { World } from '../../../src/sandbox/population/deal.ts'
import { population } from '../../../src/sandbox/population/population.ts'
import { toRows } from '../../../src/transform/to-rows.ts'
import { withDatabase } from '../../support/database.ts'
import { countRows, digestState } from '../../support/digest.ts'
import {
  anAccount,
  aRun,
  landReferrals,
  load,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aLine, aMember, aReferral, aRegistration } from '../../support/referral-builder.ts'
import { recordStatements } from '../../support/sent-statements.ts'

/** Hard cases: two names of a solution, undocumented values, an unreadable referral. */
const wires = [
  aReferral({ id: referralIdOf(1) }),
  aReferral({
    id: referralIdOf(2),
    status: 'Paused',
    substatus: 'Holiday',
    registrations: [
      aRegistration({
        solutionDetails: [aLine({ name: '' }), aLine({ id: 'SOL-0008-TST', name: 'Tab\tand \\N' })],
      }),
    ],
    updatedDateTime: '2025-12-09T00:00:00Z',
  }),
  aReferral({
    id: referralIdOf(3),
    details: { dealValue: 12.5, currency: 'QQQ', notes: 'line\nline', requirements: {} },
    registrations: [aRegistration({ solutionDetails: [aLine({ name: 'Shelf Sense 2' })] })],
    updatedDateTime: '2025-12-20T00:00:00Z',
  } as never),
  aReferral({
    id: referralIdOf(4),
    team: [aMember('olav@example.com', 'Olav', 'Lie')],
    registrations: [],
    mood: 'fine',
  } as never),
  { id: referralIdOf(5), status: 'New' },
]

type Wires = readonly unknown[]

/** Initial load of pages of referrals; undefined when it left the rows to staging. */
async function tryInitialLoad(
  account: TestAccount,
  pages: readonly Wires[],
  logged: string[] = [],
) {
  const { warehouse, lease, key, context } = account
  const runId = await aRun(account)
  for (const page of pages) await landReferrals(account, runId, page)
  const log = createLog({ write: (line) => logged.push(line), isTerminal: false })
  const task = {
    runId,
    scope: 'unpublished',
    quarantinePercentMax: 1,
    quarantineCountMax: 10,
    atEnd: () => ({ watermark: null, rowsRead: pages.flat().length }),
    batches: async function* () {
      let referral_no = 0
      for await (const resource of readLanded(warehouse.query, key, 'unpublished')) {
        referral_no += 1
        yield toRows({ partner_account_key: key, referral_no, ...resource }, context).rows
      }
    },
  } as const
  return initialLoad({ warehouse, lease, log }, task)
}

async function first(account: TestAccount) {
  const result = await tryInitialLoad(account, [wires])
  if (result === undefined) throw new Error('expected an initial load')
  return result
}

/** The same pages through the staging tables. */
async function loadStaged(account: TestAccount, pages: readonly Wires[]) {
  const runId = await aRun(account)
  for (const page of pages) await landReferrals(account, runId, page)
  return publishStaged(account, runId, await stageLanded(account, 'unpublished'))
}

const withAccount = (use: (account: TestAccount) => Promise<void>) =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

describe('initial load', () => {
  test('the initial load leaves the state, counts and findings of a staged publish', () =>
    withAccount(async (copied) => {
      const result = await first(copied)
      await withAccount(async (staged) => {
        const expected = await load(staged, wires)
        expect(result).toMatchObject({ staged: 4, changed: 4, quarantined: 1, missing: 0 })
        expect(result.reconciliation).toEqual(expected.reconciliation)
        expect(writtenBy(result)).toEqual(writtenBy(expected))
        expect(await digestState(copied.warehouse.query)).toEqual(
          await digestState(staged.warehouse.query),
        )
      })
    }))

  test('the initial load and a staged publish leave equal digests for random populations', async () => {
    const drawn = fc.record({
      seed: fc.nat(1_000_000),
      count: fc.integer({ min: 1, max: 50 }),
      unreadable: fc.uniqueArray(fc.nat(49), { maxLength: 3 }),
      changed: fc.uniqueArray(fc.nat(49), { maxLength: 20 }),
      status: fc.constantFrom('Closed', 'Active', 'Paused'),
    })
    const property = fc.asyncProperty(
      drawn,
      async ({ seed, count, unreadable, changed, status }) => {
        const referrals = [...population(new World(seed, count), count)]
        const changes = { status, updatedDateTime: '2026-01-04T00:00:00Z' }
        const pages = [
          referrals.map((one, index) =>
            unreadable.includes(index) ? corruptReferral(one, index) : one,
          ),
          referrals
            .filter((_, index) => changed.includes(index))
            .map((one) => ({ ...one, ...changes })),
        ]
        await withAccount(async (copied) => {
          const result = await tryInitialLoad(copied, pages)
          await withAccount(async (staged) => {
            const expected = await loadStaged(staged, pages)
            expect(result?.reconciliation).toEqual(expected.reconciliation)
            expect(await digestState(copied.warehouse.query)).toEqual(
              await digestState(staged.warehouse.query),
            )
          })
        })
      },
    )
    await fc.assert(property, { seed: 22, numRuns: 3, endOnFailure: true })
  })

  test('the initial load stages no facts or people and leaves nothing of them staged', () =>
    withAccount(async (account) => {
      const sent = await recordStatements(async () => void (await first(account)))
      const copied = new Set(
        sent.flatMap(({ text }) => /^copy (\S+)/.exec(text)?.[1] ?? []).filter((to) => to !== ''),
      )
      expect(copied).toContain('dw.fact_referral_history')
      expect(copied).toContain('pii.contact')
      expect(
        [...copied].filter((table) => /^stg\.(fact|bridge|contact|dim_ref)/.test(table)),
      ).toEqual([])
      const left = await countRows(account.warehouse.query, /^stg\.(fact|bridge|contact|referral)/)
      expect(new Set(Object.values(left))).toEqual(new Set([0]))
    }))

  test('a rebuild after the initial load changes nothing', () =>
    withAccount(async (account) => {
      await first(account)
      const before = await digestState(account.warehouse.query)
      expect(writtenBy(await reload(account))).toEqual({})
      expect(await digestState(account.warehouse.query)).toEqual(before)
    }))

  test('a publish after the initial load gives none of its keys again', () =>
    withAccount(async (account) => {
      await first(account)
      await load(account, [
        aReferral({ id: referralIdOf(9), customerProfile: { name: 'New Ltd.' } } as never),
      ])
      const { rows } = await sql<{ keys: number; referrals: number }>`
        select count(distinct referral_key) as keys, count(*) as referrals from dw.dim_referral`.execute(
        account.warehouse.query,
      )
      expect(rows).toEqual([{ keys: 5, referrals: 5 }])
    }))

  test('an initial load with a rejected row leaves nothing behind and logs its SQLSTATE', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      // The run that failed is shown.
      const ofRows = /^(dw|pii)\.(?!fact_run$)/
      const empty = await countRows(query, ofRows)
      await sql`alter table dw.fact_registration add constraint rejected check (registration_no > 1)`.execute(
        query,
      )
      const logged: string[] = []
      expect(await tryInitialLoad(account, [wires], logged)).toBeUndefined()
      expect(logged.join('')).toContain('"code":"23514"')
      // Statuses belong to no account, and are committed before; see `addStatuses`.
      const left = await countRows(query, ofRows)
      const others = { 'pii.payload': 0, 'dw.dim_status': 0 }
      expect({ ...left, ...others }).toEqual({ ...empty, ...others })
    }))

  test('the initial load is for accounts without any row in the star', () =>
    withDatabase(async (db, _, warehouse) => {
      const north = await anAccount(warehouse)
      const south = await anAccount(warehouse, 'south')
      await first(north)
      expect(await tryInitialLoad(north, [])).toBeUndefined()
      expect(await tryInitialLoad(south, [wires])).toBeDefined()
      await sql`truncate dw.dim_referral cascade`.execute(db)
      expect(await tryInitialLoad(north, []), 'customers are left').toBeUndefined()
    }))
})
