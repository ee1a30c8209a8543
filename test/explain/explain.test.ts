import type { Decimal } from 'decimal.js'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { loadRates } from '../../src/exchange-rates/store.ts'
import { explainReferral } from '../../src/explain/explain.ts'
import type { AmountExplained, Explanation } from '../../src/explain/explanation.ts'
import { findReferral } from '../../src/explain/find-referral.ts'
import { Simulation } from '../../src/sandbox/population/simulation.ts'
import type { Kysely } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { Exact } from '../support/exact-oracle.ts'
import { withImport, writeFiles } from '../support/import-files.ts'
import { anAccount, aRun, landReferrals, load } from '../support/load-referrals.ts'
import { aLine, aReferral, aRegistration, referralId } from '../support/referral-builder.ts'
import { failureOf, playNights, withPipeline } from '../support/with-pipeline.ts'

async function explain(db: Kysely<Database>, id = referralId): Promise<Explanation> {
  return explainReferral(db, await findReferral(db, { referralId: id }))
}

async function idsOf(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('dw.dim_referral')
    .select('referral_id')
    .orderBy('referral_id')
    .execute()
  return rows.map((row) => row.referral_id)
}

/** Result of a formula as it is shown, such as `100000 × 12 ÷ (28 + 11/31) − 5`. */
function evaluate(formula: string): Decimal {
  const [first = '', ...subtracted] = formula.split(' − ')
  const inBrackets = /\((\d+) \+ (\d+)\/(\d+)\)/
  const product = (text: string) => {
    const [, whole = '0', part = '0', of = '1'] = inBrackets.exec(text) ?? []
    const months = new Exact(part).div(of).plus(whole)
    return text
      .replace(inBrackets, 'months')
      .split(' ÷ ')
      .map((factors) =>
        factors
          .split(' × ')
          .map((factor) => (factor === 'months' ? months : fraction(factor)))
          .reduce((left, right) => left.times(right)),
      )
      .reduce((left, right) => left.div(right))
  }
  const sum = inBrackets.test(first) ? [first] : first.split(' + ')
  const total = sum.map(product).reduce((left, right) => left.plus(right))
  return subtracted.reduce((left, right) => left.minus(right), total)
}

function fraction(text: string): Decimal {
  const [numerator = '0', denominator = '1'] = text.split('/')
  return new Exact(numerator).div(denominator)
}

/** Works every formula out again, and returns how many there were. */
function checkFormulas({ deal, registrations }: Explanation): number {
  const lines = registrations.flatMap((registration) => registration.lines)
  const amounts = [...registrations, ...lines].flatMap((one) => one.amounts)
  const conversions = [deal, ...registrations, ...lines].flatMap((one) => one.conversion.amounts)
  const results = [
    ...amounts.map(({ formula, amount, rounded_to }) => ({ formula, amount, step: rounded_to })),
    ...conversions.map(({ formula, reporting_amount: amount }) => ({
      formula,
      amount,
      step: '0.0001',
    })),
  ].filter(({ formula, amount }) => formula !== null && amount !== null)
  for (const { formula, amount, step } of results) {
    const exact = evaluate(formula ?? '')
    const rounded = step === null ? exact : exact.toNearest(step)
    expect(rounded.toFixed(), formula ?? '').toBe(new Exact(amount ?? '').toFixed())
  }
  return results.length
}

describe('cosell explain beside the warehouse', () => {
  test('every referral is recomputed without a difference after many nights', () =>
    withPipeline({ referrals: 40, seed: 7 }, async (nights) => {
      await playNights(nights)
      const compared = { rows: 0, values: 0 }
      let formulas = 0
      for (const id of await idsOf(nights.db)) {
        const explanation = await explain(nights.db, id)
        expect(explanation.comparison.differences).toEqual([])
        compared.rows += explanation.comparison.rows
        compared.values += explanation.comparison.values
        formulas += checkFormulas(explanation)
      }
      expect(formulas).toBeGreaterThan(100)
      const stored = await sql<{ rows: number }>`
        select
          (select count(*) from dw.dim_referral) + (select count(*) from dw.fact_referral)
            + (select count(*) from dw.fact_referral_history)
            + (select count(*) from dw.fact_acv_schedule) as rows`.execute(nights.db)
      expect(compared.rows).toBeGreaterThan(stored.rows[0]?.rows ?? 0)
      expect(compared.values).toBeGreaterThan(10 * compared.rows)
    }))

  test.each([
    {
      change: 'update dw.fact_registration set contract_acv_amount = 40000.01',
      differences: [
        'dw.fact_registration.contract_acv_amount of registration_no 1: expected 40000.0000, the warehouse has 40000.0100.',
        // The mart follows the star; dollars are the reporting currency.
        'mart.registration.contract_acv_reporting_amount of registration_no 1: expected 40000.0000, the warehouse has 40000.0100.',
      ],
    },
    {
      change: 'update dw.fact_referral set closed_date = null, days_to_close = 99',
      differences: [
        'dw.fact_referral.closed_date: expected 2025-12-10, the warehouse has no value.',
        'dw.fact_referral.days_to_close: expected 100, the warehouse has 99.',
      ],
    },
    {
      change: 'delete from dw.fact_acv_schedule where contract_year_no = 2',
      differences: [
        'dw.fact_acv_schedule of registration_no 1, line_no 1, contract_year_no 2: expected a row, the warehouse has none.',
      ],
    },
    {
      change: `
        insert into dw.bridge_referral_tag
        select partner_account_key, referral_key, (
          select tag_key from dw.dim_tag where tag_group = 'Incentive'
        ), weight, tag_count, row_hash, created_run_id, updated_run_id
        from dw.bridge_referral_tag limit 1`,
      differences: [
        'dw.bridge_referral_tag of tag_group Incentive, tag_type Incentive, tag_id MSFT Internal Azure IP Co-Sell: expected no such row, the warehouse has one.',
      ],
    },
    {
      change: `update dw.fact_referral set status_key = (
        select status_key from dw.dim_status where referral_status = 'Closed' and referral_substatus = 'Lost'
      )`,
      differences: ['dw.fact_referral.referral_substatus: expected Won, the warehouse has Lost.'],
    },
    {
      change: `
        with gone as (delete from dw.fact_registration_solution)
        delete from dw.fact_registration`,
      differences: expect.arrayContaining([
        'mart.registration of registration_no 1: expected a row, the warehouse has none.',
        'mart.acv_line of registration_no 1, line_no 1: expected a row, the warehouse has none.',
      ]),
    },
    {
      change: `update dw.fx_rate set reporting_units = 2 where currency_code = 'USD'`,
      // Rates are not landed with the referral, so amounts follow from those that are there.
      differences: [],
    },
  ])('a star changed by "$change" differs from what is recomputed', ({ change, differences }) =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse), [aReferral()])
      expect((await explain(db)).comparison.differences).toEqual([])
      await sql.raw(change).execute(db)
      const found = (await explain(db)).comparison.differences
      expect(found.map(({ text }) => text)).toEqual(differences)
    }),
  )
})

/** A contract of 28 months and 11 of 31 days, in euros, with lines of two solutions. */
const inEuros = aReferral({
  registrations: [
    aRegistration({
      contract: {
        value: 100_000,
        currency: 'eur',
        startDateTime: '2025-03-10T00:00:00Z',
        endDateTime: '2027-07-20T00:00:00Z',
        signDateTime: '2025-03-03T00:00:00Z',
        term: 'Finite',
      },
      solutionDetails: [
        aLine({ id: 'SOL-A', currency: 'EUR', value: 30_000 }),
        aLine({ id: 'SOL-B', currency: 'EUR', value: 60_000 }),
      ],
    }),
  ],
})

function amountsOf(amounts: readonly AmountExplained[]) {
  return Object.fromEntries(
    amounts.map(({ column, formula, unrounded, amount }) => [
      column.split('.').at(-1),
      [formula, unrounded, amount],
    ]),
  )
}

describe('cosell explain of a contract', () => {
  // By hand: 10 March 2025 to 21 July 2027 is 28 months and 11 of the 31 days from 10 July on, which
  // is 879/31 months. 100,000 × 12 × 31 / 879 = 37,200,000 / 879 = 42,320.8191…
  test('each amount has its formula, the result before rounding, and the rounded amount', () =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse), [inEuros])
      const { registrations, comparison } = await explain(db)
      const [registration] = registrations
      expect(comparison.differences).toEqual([])
      expect(registration?.period).toMatchObject({
        acv_status: 'ok',
        start_date: '2025-03-10',
        end_exclusive_date: '2027-07-21',
        end_why: 'The end 2027-07-20 is the last day of the contract.',
        months: '28 + 11/31',
        months_fraction: '879/31',
        term_months: '28.3548',
      })
      expect(amountsOf(registration?.amounts ?? [])).toEqual({
        contract_value_amount: [null, null, '100000'],
        contract_acv_amount: ['100000 × 12 ÷ (28 + 11/31)', '42320.8191126279…', '42320.82'],
        contract_annualized_amount: ['100000 × 12 ÷ (28 + 11/31)', '42320.8191126279…', '42320.82'],
        solution_value_amount: ['30000 + 60000', null, '90000'],
        nonrecurring_amount: ['100000 − 90000', null, '10000'],
      })
      expect(registration?.allocation).toContain('in proportion to their values')
      const [first, second] = registration?.lines ?? []
      expect([first?.weight, second?.weight]).toEqual(['30000 of 90000', '60000 of 90000'])
      expect(amountsOf(first?.amounts ?? [])).toMatchObject({
        solution_acv_amount: ['30000 × 12 ÷ (28 + 11/31)', '12696.2457337883…', '12696.25'],
        allocated_contract_value_amount: [
          '100000 × 30000 ÷ 90000',
          '33333.3333333333…',
          '33333.33',
        ],
      })
      expect(amountsOf(second?.amounts ?? [])).toMatchObject({
        allocated_contract_value_amount: [
          '100000 × 90000 ÷ 90000 − 33333.33',
          '66666.67',
          '66666.67',
        ],
      })
    }))

  // 12 of 879/31 months are 372/879: 30,000 × 372/879 = 12,696.2457…, × 744/879 = 25,392.4914…
  test('contract years have the running totals that are rounded, and add up to the line', () =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse), [inEuros])
      const [line] = (await explain(db)).registrations[0]?.lines ?? []
      expect(
        line?.schedule.map((row) => [
          row.period_start_date,
          row.period_end_date,
          row.share,
          row.scheduled_solution_amount,
          row.solution_running_amount,
        ]),
      ).toEqual([
        ['2025-03-10', '2026-03-09', '12 of 28 + 11/31', '12696.25', '12696.25'],
        ['2026-03-10', '2027-03-09', '24 of 28 + 11/31', '12696.24', '25392.49'],
        ['2027-03-10', '2027-07-20', '28 + 11/31 of 28 + 11/31', '4607.51', '30000'],
      ])
    }))

  // 42,320.82 × 1.0867 ÷ 1 = 45,990.035094
  test('amounts are converted at the rate of the day of signing, which a quote is carried to', () =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse), [inEuros])
      const quote = { currency: 'USD', date: '2025-03-01', baseUnits: '1', currencyUnits: '1.0867' }
      await loadRates(db, 'USD', { source: 'manual', base: 'EUR', quotes: [quote] })
      const [registration] = (await explain(db)).registrations
      expect(registration?.conversion).toMatchObject({
        currency_code: 'EUR',
        day: '2025-03-03',
        why: 'The rate is that of the day of signing, 2025-03-03. 1.0867 USD were worth 1 EUR (manual, quoted on 2025-03-01 and carried to that day).',
      })
      expect(registration?.conversion.amounts[0]).toMatchObject({
        formula: '42320.82 × 1.0867 ÷ 1',
        reporting_amount: '45990.0351',
      })
    }))

  test('a contract without a rate says so, and is not converted', () =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse), [inEuros])
      const [registration] = (await explain(db)).registrations
      expect(registration?.conversion.why).toContain('There is no rate of EUR for it')
      expect(registration?.conversion.amounts[0]?.reporting_amount).toBeNull()
    }))

  test.each([
    { contract: { term: 'Finite' }, status: 'missing_end_date', why: 'there is no end' },
    { contract: { term: 'Perpetual' }, status: 'perpetual_no_start', why: 'no place in time' },
    {
      contract: { startDateTime: '2025-01-01T00:00:00Z', endDateTime: '2025-12-31T00:00:00Z' },
      status: 'term_inferred',
      why: 'neither Finite nor Perpetual',
    },
    {
      contract: { startDateTime: '2025-02-01T00:00:00Z', endDateTime: '2025-01-01T00:00:00Z' },
      status: 'invalid_period',
      why: 'The end 2025-01-01 lies before the start 2025-02-01',
    },
    {
      contract: { term: 'Finite', endDateTime: '2025-01-01T00:00:00Z' },
      status: 'missing_start_date',
      why: 'There is no start',
    },
  ])('a contract with status $status has the rule that decided it', ({ contract, status, why }) =>
    withDatabase(async (db, _, warehouse) => {
      const registration = aRegistration({ contract: { value: 500, currency: 'USD', ...contract } })
      await load(await anAccount(warehouse), [aReferral({ registrations: [registration] })])
      const { registrations, comparison } = await explain(db)
      expect(comparison.differences).toEqual([])
      expect(registrations[0]?.period.acv_status).toBe(status)
      expect(registrations[0]?.period.why).toContain(why)
    }),
  )
})

describe('cosell explain of what was landed', () => {
  const first = '2026-01-05T02:00:00Z'
  const second = '2026-01-06T02:00:00Z'
  const third = '2026-01-07T02:00:00Z'

  test('each value names the version that first showed it, and when that was seen', () =>
    withDatabase(async (db, _, warehouse) => {
      const account = await anAccount(warehouse)
      const details = aReferral().details
      const raised = { details: { ...details, dealValue: 130_000 } }
      await load(account, [aReferral()], { at: first })
      await load(account, [aReferral({ ...raised, updatedDateTime: '2026-01-05T12:00:00Z' })], {
        at: second,
      })
      const last = aReferral({
        ...raised,
        updatedDateTime: '2026-01-06T12:00:00Z',
        registrations: [aRegistration({ status: 'Passed' })],
      })
      await load(account, [last], { at: third })
      const { versions, values, deal } = await explain(db)
      expect(versions.map(({ version_no, role, seen_at }) => [version_no, role, seen_at])).toEqual([
        [1, 'earlier', first],
        [2, 'earlier', second],
        [3, 'newest', third],
      ])
      const since = new Map(
        values.map((value) => [value.path, [value.received, value.since?.version_no]]),
      )
      expect(since.get('details.dealValue')).toEqual(['130000', 2])
      expect(since.get('details.currency')).toEqual(['USD', 1])
      expect(since.get('registrations[1].status')).toEqual(['Passed', 3])
      expect(since.get('registrations[1].solutionDetails[1].value')).toEqual(['100000', 1])
      expect(since.get('registrations[1].statusHistory.failedDateTime')).toEqual([null, undefined])
      expect(deal.value.amount).toBe('130000')
    }))

  // Lines are numbered by the id of the solution, whatever their order in the payload; the second and
  // the third have one id.
  test('a value and its amount name one registration and line, as findings do', () =>
    withDatabase(async (db, _, warehouse) => {
      const lines = [
        aLine({ id: 'SOL-B', value: 500 }),
        aLine({ id: 'SOL-A', value: 0 }),
        aLine({ id: 'SOL-B', value: 700 }),
      ]
      const ofTwo = [
        aRegistration({ id: 'REG-2', solutionDetails: lines }),
        aRegistration({ id: 'REG-1' }),
      ]
      await load(await anAccount(warehouse), [aReferral({ registrations: ofTwo })])
      const { values, registrations, findings } = await explain(db)
      const received = new Map(values.map((value) => [value.path, value.received]))
      const amounts = registrations.flatMap(({ registration_no: no, lines: its }) =>
        its.map(({ line_no: line, amounts: [first] }) => ({
          path: `registrations[${no}].solutionDetails[${line}].value`,
          why: first?.why,
          amount: first?.amount,
        })),
      )
      expect(amounts.map(({ amount }) => amount)).toEqual(['100000', '0', '500', '700'])
      for (const { path, why, amount } of amounts) {
        expect(why).toBe(`As received in ${path}.`)
        expect(received.get(path)).toBe(amount)
      }
      const zero = findings.filter(({ rule_code }) => rule_code === 'zero_value')
      expect(zero.map(({ item_ref }) => item_ref)).toEqual([
        'registrations[2].solutionDetails[1].value',
      ])
    }))

  test('text where an amount or a date belongs is not shown', () =>
    withDatabase(async (db, _, warehouse) => {
      const typed = aReferral({
        details: { ...aReferral().details, dealValue: 'ask Ida' } as never,
        registrations: [
          aRegistration({ contract: { value: 500, currency: 'USD', signDateTime: 'ask Olav' } }),
        ],
      })
      await load(await anAccount(warehouse), [typed])
      const explanation = await explain(db)
      const shown = (path: string) => explanation.values.find((value) => value.path === path)
      expect(shown('details.dealValue')).toMatchObject({
        received: null,
        not_shown: 'text in place of an amount',
        since: { version_no: 1 },
      })
      expect(shown('registrations[1].contract.signDateTime')).toMatchObject({
        received: null,
        not_shown: 'text in place of a date',
      })
      expect(JSON.stringify(explanation)).not.toMatch(/ask (Ida|Olav)/)
    }))

  test('a newest version in quarantine does not count, and is named', () =>
    withDatabase(async (db, _, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [aReferral()], { at: first })
      const broken = { ...aReferral({ updatedDateTime: '2026-01-05T12:00:00Z' }), status: 7 }
      await load(account, [broken], { at: second, quarantinePercentMax: 100 })
      const { versions, notes, comparison, deal } = await explain(db)
      expect(versions.map(({ role }) => role)).toEqual(['newest', 'in quarantine'])
      expect(notes).toEqual([expect.stringContaining('so version 1 counts')])
      expect(deal.value.amount).toBe('120000')
      expect(comparison.differences).toEqual([])
    }))

  test('a version that is landed and not published yet does not count, and is named', () =>
    withDatabase(async (db, _, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [aReferral()], { at: first })
      const closed = aReferral({ updatedDateTime: '2026-01-05T12:00:00Z', substatus: 'Lost' })
      await landReferrals(account, await aRun(account), [closed], second)
      const { versions, notes, comparison, status } = await explain(db)
      expect(versions.map(({ role }) => role)).toEqual(['newest', 'not published yet'])
      expect(notes).toEqual([expect.stringContaining('not published yet: 1')])
      expect(status).toBe('Closed / Won')
      expect(comparison.differences).toEqual([])
    }))

  test('referrals of imported files are recomputed, and values name the row of the file', () =>
    withImport(async ({ db, home, load: importFiles }) => {
      const referrals = (await Simulation.create(40, 3, 0)).referrals()
      await importFiles(await writeFiles(home, referrals), { asOf: '2026-06-30' })
      const ids = await idsOf(db)
      expect(ids.length).toBeGreaterThan(20)
      for (const id of ids) {
        const { comparison, versions, notes, values } = await explain(db, id)
        expect(comparison.differences).toEqual([])
        expect(notes).toEqual([])
        expect(versions.some(({ kind }) => kind === 'row of a file')).toBe(true)
        const status = values.find(({ path }) => path === 'status')
        expect(status?.since?.kind).toBe('row of a file')
      }
    }))
})

describe('who may ask cosell explain', () => {
  test('people and notes are left out unless they are asked for', () =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse), [aReferral()])
      const found = await findReferral(db, { referralId })
      const without = await explainReferral(db, found)
      expect(JSON.stringify(without)).not.toMatch(/Ida|Berg|Olav|noon/)
      const { people } = await explainReferral(db, found, { withPeople: true })
      expect(people?.contacts.map(({ first_name, email }) => [first_name, email])).toEqual([
        ['Ida', 'ida@example.com'],
        ['Olav', 'olav@example.com'],
      ])
      expect(people?.texts.details_notes).toBe('Call Ida before noon.')
    }))

  test('a login that only reads marts gets explain.no_rights, one of the loader an explanation', () =>
    withDatabase(async (_, url, warehouse) => {
      await load(await anAccount(warehouse), [aReferral()])
      await asLogin(url, ['cosell_bi'], async (reader) => {
        const found = await findReferral(reader.db, { referralId })
        const failure = await failureOf(explainReferral(reader.db, found))
        expect(failure).toMatchObject({ code: 'explain.no_rights', exitCode: 78 })
        expect(failure.message).toContain(reader.role)
      })
      await asLogin(url, ['cosell_loader'], async (loader) => {
        const found = await findReferral(loader.db, { referralId })
        expect((await explainReferral(loader.db, found)).comparison.differences).toEqual([])
      })
    }))

  test('an unknown referral, and one of two accounts, are told apart', () =>
    withDatabase(async (db, _, warehouse) => {
      await load(await anAccount(warehouse, 'north'), [aReferral()])
      await load(await anAccount(warehouse, 'south'), [aReferral()])
      const unknown = await failureOf(findReferral(db, { referralId: 'nowhere' }))
      expect(unknown).toMatchObject({ code: 'explain.unknown_referral', exitCode: 2 })
      const both = await failureOf(findReferral(db, { referralId }))
      expect(both).toMatchObject({ code: 'explain.which_account', exitCode: 2 })
      expect(both.message).toContain('north and south both have')
      const { account } = await findReferral(db, { referralId, account: 'south' })
      expect(account).toBe('south')
    }))
})
