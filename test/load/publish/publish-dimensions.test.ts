import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  load,
  referralIdOf,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aLine, aReferral, aRegistration } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

/** What one referral says of the solution SOL-1, and when. */
interface Statement {
  readonly name: string | null
  readonly day: number
}

const mention = ({ name, day }: Statement, no: number): Referral =>
  aReferral({
    id: referralIdOf(no),
    updatedDateTime: `2025-12-${String(day).padStart(2, '0')}T00:00:00Z`,
    details: { currency: 'USD', requirements: { solutions: [{ id: 'SOL-1', name }] } },
    registrations: [],
  })

async function solutionOf({ warehouse, key }: TestAccount) {
  return warehouse.query
    .selectFrom('dw.dim_solution')
    .select(['solution_name', 'source_updated_at', 'row_hash'])
    .where('partner_account_key', '=', key)
    .where('solution_id', '=', 'SOL-1')
    .executeTakeFirstOrThrow()
}

describe('solution dimension', () => {
  test.each([
    {
      statements: [
        { name: 'One', day: 1 },
        { name: null, day: 9 },
      ],
      name: 'One',
      why: 'keeps its name when a later referral states none',
    },
    {
      statements: [
        { name: null, day: 9 },
        { name: 'One', day: 1 },
      ],
      name: 'One',
      why: 'takes a stated name even from an earlier time',
    },
    {
      statements: [
        { name: 'One', day: 1 },
        { name: 'Uno', day: 9 },
      ],
      name: 'Uno',
      why: 'takes the name stated at the later source time',
    },
    {
      statements: [
        { name: 'Uno', day: 9 },
        { name: 'One', day: 1 },
      ],
      name: 'Uno',
      why: 'keeps the later name though the earlier one arrives last',
    },
  ])('a solution with rows of several referrals: $why', ({ statements, name }) =>
    withAccount(async (account) => {
      for (const [no, statement] of statements.entries())
        await load(account, [mention(statement, no)])
      expect(await solutionOf(account)).toMatchObject({ solution_name: name })
    }),
  )

  test('a solution is the same for any order and any batches of its referrals', () =>
    withDatabase(async (_, __, warehouse) => {
      const statement = fc.record({
        name: fc.constantFrom(null, 'One', 'Uno', 'Ein'),
        day: fc.integer({ min: 1, max: 3 }),
      })
      const arrivals = fc
        .array(statement, { minLength: 2, maxLength: 4 })
        .map((statements) => statements.map((said, no) => ({ said, no })))
        .chain((all) => {
          const shuffled = fc.shuffledSubarray(all, { minLength: all.length })
          return fc.tuple(fc.constant(all), shuffled)
        })
      let replicas = 0
      const published = async (batches: readonly { said: Statement; no: number }[][]) => {
        const account = await anAccount(warehouse, `replica ${replicas++}`)
        for (const batch of batches)
          await load(
            account,
            batch.map(({ said, no }) => mention(said, no)),
          )
        return solutionOf(account)
      }
      await fc.assert(
        fc.asyncProperty(arrivals, async ([all, shuffled]) => {
          const atOnce = await published([all])
          expect(await published(shuffled.map((one) => [one]))).toEqual(atOnce)
          const stated = all.filter(({ said }) => said.name !== null)
          const lastDay = Math.max(
            ...(stated.length > 0 ? stated : all).map(({ said }) => said.day),
          )
          expect(atOnce.source_updated_at).toBe(`2025-12-0${lastDay}T00:00:00Z`)
          const names = stated
            .filter(({ said }) => said.day === lastDay)
            .map(({ said }) => said.name)
          expect(stated.length > 0 ? names : ['(Not provided)']).toContain(atOnce.solution_name)
        }),
        { numRuns: 8 },
      )
    }))
})

describe('undocumented values', () => {
  const onlyNew = async (account: TestAccount, changes: Partial<Referral>) => {
    await load(account, [aReferral()])
    return load(account, [aReferral({ id: referralIdOf(2), ...changes })])
  }

  test('an undocumented status pair is added with flags that follow its values', () =>
    withAccount(async (account) => {
      const changes = { status: 'Closed', substatus: 'Forgotten', registrations: [] }
      const loaded = await onlyNew(account, changes)
      expect(writtenBy(loaded)).toMatchObject({ 'dw.dim_status': '1 new, 0 changed, 0 gone' })
      const { query } = account.warehouse
      const added = query.selectFrom('dw.dim_status').selectAll()
      expect(await added.where('referral_substatus', '=', 'Forgotten').execute()).toMatchObject([
        {
          referral_status: 'Closed',
          is_closed: true,
          is_open: false,
          is_won: false,
          is_decided: false,
          is_documented: false,
          is_allowed_combination: null,
        },
      ])
      const facts = await query
        .selectFrom('dw.fact_referral as fact')
        .innerJoin('dw.dim_status as status', 'status.status_key', 'fact.status_key')
        .select('status.referral_substatus')
        .orderBy('fact.referral_key')
        .execute()
      expect(facts.map((fact) => fact.referral_substatus)).toEqual(['Won', 'Forgotten'])
    }))

  test('an undocumented currency of a deal, line or contract is added and flagged', () =>
    withAccount(async (account) => {
      // Without a value there is no ACV, so that history does not name the currency as well.
      const contract = { ...aRegistration().contract, value: null, currency: 'QQB' }
      const loaded = await onlyNew(account, {
        details: { ...aReferral().details, currency: 'QQA' },
        registrations: [aRegistration({ contract, solutionDetails: [aLine({ currency: 'QQC' })] })],
      })
      expect(writtenBy(loaded)).toMatchObject({ 'dw.dim_currency': '3 new, 0 changed, 0 gone' })
      const added = await account.warehouse.query
        .selectFrom('dw.dim_currency')
        .selectAll()
        .where('is_documented', '=', false)
        .orderBy('currency_code')
        .execute()
      expect(added.map((row) => `${row.currency_code} ${row.minor_unit}`)).toEqual([
        ...['QQA 2', 'QQB 2', 'QQC 2'],
      ])
    }))

  test('an undocumented enum value is added with the run that first saw it', () =>
    withAccount(async (account) => {
      const first = await onlyNew(account, { qualification: 'Telepathic' })
      await load(account, [aReferral({ id: referralIdOf(3), qualification: 'Telepathic' })])
      const added = await account.warehouse.query
        .selectFrom('etl.enum_value')
        .select(['enum_name', 'enum_value', 'is_documented', 'first_seen_run_id'])
        .where('is_documented', '=', false)
        .where('enum_name', '=', 'ReferralQualification')
        .execute()
      expect(added).toEqual([
        {
          enum_name: 'ReferralQualification',
          enum_value: 'Telepathic',
          is_documented: false,
          first_seen_run_id: first.runId,
        },
      ])
    }))

  test('an undocumented tag is added, and a documented tag is flagged as documented', () =>
    withAccount(async (account) => {
      const products = [{ id: 'Azure' }, { id: 'Abacus' }]
      await load(account, [aReferral({ details: { currency: 'USD', requirements: { products } } })])
      const tags = await account.warehouse.query
        .selectFrom('dw.dim_tag')
        .select(['tag_id', 'is_documented'])
        .where('tag_id', 'in', ['Azure', 'Abacus'])
        .orderBy('tag_id')
        .execute()
      expect(tags).toEqual([
        { tag_id: 'Abacus', is_documented: false },
        { tag_id: 'Azure', is_documented: true },
      ])
    }))

  test('an undocumented value of two accounts is added once', () =>
    withAccount(async (account) => {
      const south = await anAccount(account.warehouse, 'south')
      const strange = aReferral({ status: 'Closed', substatus: 'Forgotten' })
      expect(writtenBy(await load(account, [strange]))).toHaveProperty('dw.dim_status')
      expect(writtenBy(await load(south, [strange]))).not.toHaveProperty('dw.dim_status')
    }))
})

test('a customer who moves gets a second profile; history points at the first one', () =>
  withAccount(async (account) => {
    const profile = aReferral().customerProfile
    await load(account, [aReferral()])
    const moved = { ...profile, address: { ...profile?.address, city: 'Oslo' } }
    await load(account, [
      aReferral({ customerProfile: moved, updatedDateTime: '2026-01-01T00:00:00Z' }),
    ])
    const cities = await account.warehouse.query
      .selectFrom('dw.fact_referral_history as history')
      .innerJoin('dw.dim_customer as customer', 'customer.customer_key', 'history.customer_key')
      .select(['customer.city', 'history.is_current'])
      .orderBy('history.version_no')
      .execute()
    expect(cities.slice(-2)).toEqual([
      { city: 'Bergen', is_current: false },
      { city: 'Oslo', is_current: true },
    ])
  }))
