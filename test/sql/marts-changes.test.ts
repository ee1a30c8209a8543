import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { anAccount, failureOf, load, referralIdOf, reload } from '../support/load-referrals.ts'
import { aLine, aMember, aReferral, aRegistration } from '../support/referral-builder.ts'

const nights = ['2025-11-02T02:00:00Z', '2025-11-09T02:00:00Z'] as const

/** An active deal without a registration, as it was on the first of the nights. */
const before = aReferral({
  createdDateTime: '2025-09-01T08:00:00Z',
  acceptedDateTime: '2025-09-01T08:00:00Z',
  updatedDateTime: '2025-11-01T10:00:00Z',
  closedDateTime: null,
  status: 'Active',
  substatus: 'Accepted',
  registrationStatus: 'None',
  registrations: [],
})
const nameless = { email: null, firstName: null, lastName: null }
/** The same deal a week later: won, dearer, in another currency, registered, for another customer. */
const after = aReferral({
  createdDateTime: '2025-09-01T08:00:00Z',
  acceptedDateTime: '2025-09-01T08:00:00Z',
  updatedDateTime: '2025-11-08T10:00:00Z',
  closedDateTime: '2025-11-08T10:00:00Z',
  customerProfile: { ...aReferral().customerProfile, name: 'Auk Freight' },
  details: {
    ...aReferral().details,
    dealValue: 130_000.25,
    currency: 'EUR',
    closingDateTime: '2026-01-14T23:00:00Z',
    requirements: { solutions: [{ id: 'SOL-9', name: 'Dock Sense' }] },
  },
  registrations: [
    aRegistration({
      registrationDateTime: '2025-11-08T10:00:00Z',
      statusHistory: { approvedDateTime: '2025-11-08T10:00:00Z' },
      solutionDetails: [aLine({ name: 'Dock Sense' })],
    }),
  ],
  team: [
    aMember('kari@example.com', 'Kari', 'Dahl'),
    { ...aMember('', '', ''), ...nameless },
    { ...aMember('', 'Per', ''), email: null, lastName: null, phoneNumber: '+47 22' },
    { ...aMember('', '', ''), ...nameless, phoneNumber: null, title: 'Buyer' },
  ],
})

async function changesOf(db: Kysely<Database>, no = 1) {
  const { rows } = await sql<Record<string, string | null>>`
    select property, before_value as "from", after_value as "to", changed_date::text as changed,
      seen_date::text as seen
    from mart.referral_change
    where referral_id = ${referralIdOf(no)} and not is_estimated
    order by property`.execute(db)
  return rows.map(({ property, from, to }) => `${property}: ${from} > ${to}`)
}

test('mart.referral_change has each property that a night changed, before and after', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [{ ...before, id: referralIdOf(1) }], { at: nights[0] })
    expect(await changesOf(warehouse.query)).toEqual([])
    await load(account, [{ ...after, id: referralIdOf(1) }], { at: nights[1] })
    expect(await changesOf(warehouse.query)).toEqual([
      'currency: USD > EUR',
      'customer: Puffin Logistics Ltd., Bergen, NO > Auk Freight, Bergen, NO',
      'deal value: 120000 > 130000.25',
      'expected close date: 2025-12-15 > 2026-01-15',
      'registered ACV: null > 40000',
      'registration status: None > Approved',
      'requested solutions: Shelf Sense > Dock Sense',
      'sold solutions: null > Dock Sense',
      'stage: Active - Accepted > Closed - Won',
    ])
    const { rows } = await sql`
      select property, before_amount, before_currency_code, after_amount, after_currency_code,
        before_date::text, after_date::text, changed_date::text, seen_date::text,
        changed_fiscal_quarter
      from mart.referral_change
      where property in ('deal value', 'expected close date', 'requested solutions')
      order by property`.execute(warehouse.query)
    const when = {
      changed_date: '2025-11-08',
      seen_date: '2025-11-09',
      changed_fiscal_quarter: 'FY26 Q2',
    }
    const none = {
      before_amount: null,
      before_currency_code: null,
      after_amount: null,
      after_currency_code: null,
      before_date: null,
      after_date: null,
    }
    expect(rows).toEqual([
      {
        property: 'deal value',
        ...none,
        before_amount: '120000.0000',
        before_currency_code: 'USD',
        after_amount: '130000.2500',
        after_currency_code: 'EUR',
        ...when,
      },
      {
        property: 'expected close date',
        ...none,
        before_date: '2025-12-15',
        after_date: '2026-01-15',
        ...when,
      },
      { property: 'requested solutions', ...none, ...when },
    ])
  }))

test('a first load tells its past as estimated, and only what a later night changed is not', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [{ ...after, id: referralIdOf(1) }], { at: nights[1] })
    const { rows } = await sql<{ stages: number; others: number; unflagged: number }>`
      select count(*) filter (where property = 'stage')::integer as stages,
        count(*) filter (where property <> 'stage')::integer as others,
        count(*) filter (where not is_estimated)::integer as unflagged
      from mart.referral_change`.execute(warehouse.query)
    expect(rows).toEqual([{ stages: 1, others: 2, unflagged: 0 }])
    const dearer = { ...after, details: { ...after.details, dealValue: 140_000 } }
    const changed = { ...dearer, id: referralIdOf(1), updatedDateTime: '2025-11-10T10:00:00Z' }
    await load(account, [changed], { at: '2025-11-11T02:00:00Z' })
    expect(await changesOf(warehouse.query)).toEqual(['deal value: 130000.25 > 140000'])
  }))

test('a night that dates a closing days before the update has it and the change of value', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [{ ...before, id: referralIdOf(1) }], { at: nights[0] })
    const closed = { ...after, closedDateTime: '2025-11-05T10:00:00Z', registrations: [] }
    await load(account, [{ ...closed, id: referralIdOf(1) }], { at: nights[1] })
    expect(await changesOf(warehouse.query)).toEqual(
      expect.arrayContaining([
        'deal value: 120000 > 130000.25',
        'stage: Active - Accepted > Closed - Won',
      ]),
    )
  }))

test('a registered ACV whose currency alone changes is a change of it', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [{ ...after, id: referralIdOf(1) }], { at: nights[1] })
    const [registration] = after.registrations ?? []
    const inEuro = { ...registration, contract: { ...aRegistration().contract, currency: 'EUR' } }
    const changed = { ...after, id: referralIdOf(1), updatedDateTime: '2025-11-10T10:00:00Z' }
    await load(account, [{ ...changed, registrations: [inEuro] }], { at: '2025-11-11T02:00:00Z' })
    const { rows } = await sql`
      select property, before_amount, before_currency_code, after_amount, after_currency_code
      from mart.referral_change where not is_estimated`.execute(warehouse.query)
    expect(rows).toEqual([
      {
        property: 'registered ACV',
        before_amount: '40000.0000',
        before_currency_code: 'USD',
        after_amount: '40000.0000',
        after_currency_code: 'EUR',
      },
    ])
  }))

test('a rebuild gives the same changes, and a night without a change gives none', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [{ ...before, id: referralIdOf(1) }], { at: nights[0] })
    await load(account, [{ ...after, id: referralIdOf(1) }], { at: nights[1] })
    const changes = await changesOf(warehouse.query)
    await load(account, [{ ...after, id: referralIdOf(1) }], { at: '2025-11-10T02:00:00Z' })
    expect(await changesOf(warehouse.query)).toEqual(changes)
    await reload(account)
    expect(await changesOf(warehouse.query)).toEqual(changes)
    expect(changes).toHaveLength(9)
  }))

test('mart.referral_change reads one referral by its id or key through the keys of the tables', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const all = Array.from({ length: 400 }, (_, index) => referralIdOf(index + 1))
    for (const [at, deal] of [
      [nights[0], before],
      [nights[1], after],
    ] as const) {
      await load(
        account,
        all.map((id) => ({ ...deal, id, engagementId: null })),
        { at },
      )
    }
    await sql`analyze`.execute(warehouse.query)
    for (const filter of [
      sql`partner_account_key = ${account.key} and referral_id = ${referralIdOf(77)}`,
      sql`referral_key = (select max(referral_key) from dw.dim_referral)`,
    ]) {
      const { rows } = await sql<Record<string, string>>`
        explain select * from mart.referral_change where ${filter}`.execute(warehouse.query)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/Index Scan .*fact_referral_history_pkey/)
      expect(plan).not.toMatch(
        /Seq Scan on (fact_referral_history|fact_solution_change|dim_referral)/,
      )
    }
  }))

test('who left and who joined is in pii.referral_change, for readers of people alone', () =>
  withDatabase(async (_db, url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [{ ...before, id: referralIdOf(1) }], { at: nights[0] })
    await load(account, [{ ...after, id: referralIdOf(1) }], { at: nights[1] })
    const ask = sql`
      select property, before_value, after_value, seen_date::text from pii.referral_change
      where referral_id = ${referralIdOf(1)} order by change_no`
    await asLogin(url, ['cosell_pii'], async ({ db }) => {
      const member = { property: 'team member', seen_date: '2025-11-09' }
      const joined = ['Buyer', '+47 55 00 00 00', 'Per +47 22', 'Kari Dahl <kari@example.com>']
      expect((await ask.execute(db)).rows).toEqual([
        { ...member, before_value: 'Olav Lund <olav@example.com>', after_value: null },
        ...joined.map((after_value) => ({ ...member, before_value: null, after_value })),
      ])
    })
    await asLogin(url, ['cosell_bi'], async ({ db }) => {
      expect(String(await failureOf(ask.execute(db)))).toContain('permission denied')
      const shown = await sql`select * from mart.referral_change`.execute(db)
      expect(shown.rows.length).toBeGreaterThan(5)
      expect(JSON.stringify(shown.rows)).not.toMatch(/Olav|Kari|example\.com/)
    })
  }))
