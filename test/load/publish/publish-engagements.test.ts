import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  load,
  referralIdOf,
  reload,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const dealOf = (no: number) => `5d3f9a10-0000-4000-8000-0000000000d${no}`
const forMicrosoft = { target: [{ type: 'BusinessProfileLocation', id: 'msft' }] }
const forPartner = { target: [{ type: 'BusinessProfileLocation', id: 'another partner' }] }
const own = { target: [] }

const stages: Record<'won' | 'lost' | 'declined' | 'active', Partial<Referral>> = {
  won: { status: 'Closed', substatus: 'Won' },
  lost: { status: 'Closed', substatus: 'Lost', registrations: [] },
  declined: { status: 'Closed', substatus: 'Declined', registrations: [] },
  active: { status: 'Active', substatus: 'Accepted', closedDateTime: null, registrations: [] },
}

/** A referral of deal 1 as updated on a day of January 2026. */
const party = (
  no: number,
  stage: keyof typeof stages,
  day: number,
  changes: Partial<Referral> & { dealValue?: number | null } = {},
) => {
  const { dealValue = 1_000, ...rest } = changes
  const updatedDateTime = `2026-01-${String(day).padStart(2, '0')}T08:00:00Z`
  return aReferral({
    id: referralIdOf(no),
    engagementId: dealOf(1),
    createdDateTime: '2026-01-01T08:00:00Z',
    acceptedDateTime: '2026-01-01T08:00:00Z',
    updatedDateTime,
    ...stages[stage],
    ...(stages[stage].status === 'Closed' ? { closedDateTime: updatedDateTime } : {}),
    details: { ...aReferral().details, dealValue },
    ...rest,
  })
}

const at = (day: number) => ({ at: `2026-01-${String(day).padStart(2, '0')}T20:00:00Z` })

/** Deals with their primary referral, those of the parties, and the number of referrals. */
async function dealsOf({ warehouse }: TestAccount) {
  const { rows } = await sql<Record<string, string | null>>`
    select deal.deal_id, primary_one.referral_id as primary, own.referral_id as own,
      microsoft.referral_id as microsoft, partner.referral_id as partner, deal.referral_count as count
    from dw.dim_engagement deal
    join dw.dim_referral primary_one on primary_one.referral_key = deal.primary_referral_key
    left join dw.dim_referral own on own.referral_key = deal.own_referral_key
    left join dw.dim_referral microsoft on microsoft.referral_key = deal.microsoft_referral_key
    left join dw.dim_referral partner on partner.referral_key = deal.partner_referral_key
    order by deal.deal_id`.execute(warehouse.query)
  return rows
}

const primaryOf = async (account: TestAccount) =>
  (await dealsOf(account)).map(({ primary }) => primary)

/** Days from which a referral was primary in deal 1, as `2026-01-03 000000000001`. */
async function spansOf({ warehouse }: TestAccount) {
  const { rows } = await sql<{ span: string }>`
    select span.valid_from_date || ' ' || right(referral.referral_id, 1) as span
    from dw.fact_engagement_history span
    join dw.dim_engagement deal using (engagement_key)
    join dw.dim_referral referral on referral.referral_key = span.primary_referral_key
    where deal.deal_id = ${dealOf(1)}
    order by span.valid_from_date`.execute(warehouse.query)
  return rows.map(({ span }) => span)
}

const publishesNothing = async (account: TestAccount) => {
  expect(writtenBy(await reload(account))).toEqual({})
}

describe('deals', () => {
  const rules: readonly (readonly [string, readonly Referral[]])[] = [
    ['won before open', [party(1, 'won', 3, forMicrosoft), party(2, 'active', 3, own)]],
    ['open before lost', [party(1, 'active', 3, forMicrosoft), party(2, 'lost', 3, own)]],
    ['lost before declined', [party(1, 'lost', 3, forMicrosoft), party(2, 'declined', 3, own)]],
    [
      'a value before none, whatever the party',
      [party(1, 'active', 3, forMicrosoft), party(2, 'active', 3, { ...own, dealValue: null })],
    ],
    [
      'a value before zero',
      [party(1, 'active', 3, forMicrosoft), party(2, 'active', 3, { ...own, dealValue: 0 })],
    ],
    ['own before Microsoft', [party(1, 'active', 3, own), party(2, 'active', 3, forMicrosoft)]],
    [
      'Microsoft before another partner',
      [party(1, 'active', 3, forMicrosoft), party(2, 'active', 3, forPartner)],
    ],
    [
      'the one created first',
      [
        party(1, 'active', 3, own),
        party(2, 'active', 3, { ...own, createdDateTime: '2026-01-02T08:00:00Z' }),
      ],
    ],
    ['the least id of equal ones', [party(1, 'active', 3, own), party(2, 'active', 9, own)]],
  ]

  test.each(rules)('the primary referral of a deal is chosen by %s', (_rule, [best, other]) =>
    withAccount(async (account) => {
      await load(account, [other, best], at(4))
      expect(await primaryOf(account)).toEqual([best?.id])
      const { rows } = await sql<{ id: string; deals: number; value: string | null }>`
        select referral_id as id, deal_count as deals, deal_value_once_amount as value
        from mart.referral order by referral_id`.execute(account.warehouse.query)
      expect(rows.map(({ deals }) => deals)).toEqual([1, 0])
      expect(rows[1]?.value).toBeNull()
    }),
  )

  test('a deal has the referrals of its parties side by side', () =>
    withAccount(async (account) => {
      await load(
        account,
        [
          party(1, 'active', 3, forPartner),
          party(2, 'active', 3, forMicrosoft),
          party(3, 'active', 3, own),
          party(4, 'active', 3, { ...own, engagementId: null }),
          party(5, 'active', 3, {
            ...own,
            engagementId: '00000000-0000-0000-0000-000000000000',
          }),
        ],
        at(4),
      )
      const [four, five, one] = [referralIdOf(4), referralIdOf(5), referralIdOf(3)]
      const none = { microsoft: null, partner: null }
      expect(await dealsOf(account)).toEqual([
        { deal_id: four, primary: four, own: four, ...none, count: 1 },
        { deal_id: five, primary: five, own: five, ...none, count: 1 },
        {
          deal_id: dealOf(1),
          primary: one,
          own: one,
          microsoft: referralIdOf(2),
          partner: referralIdOf(1),
          count: 3,
        },
      ])
    }))

  test('a change of one referral moves the deal, from its day on, and a rebuild writes no row', () =>
    withAccount(async (account) => {
      await load(account, [party(1, 'active', 3, own), party(2, 'active', 3, forMicrosoft)], at(4))
      expect(await primaryOf(account)).toEqual([referralIdOf(1)])
      await load(account, [party(2, 'won', 6, forMicrosoft)], at(7))
      expect(await primaryOf(account)).toEqual([referralIdOf(2)])
      await load(account, [party(1, 'won', 9, own)], at(10))
      expect(await primaryOf(account)).toEqual([referralIdOf(1)])
      expect(await spansOf(account)).toEqual(['2026-01-01 1', '2026-01-06 2', '2026-01-09 1'])
      await publishesNothing(account)
      const { rows } = await sql<{ days: string }>`
        select snapshot_date || ' ' || sum(deal_count) || ' ' || sum(deal_value_once_amount) as days
        from mart.pipeline_as_of
        where snapshot_date between '2026-01-01' and '2026-01-12'
        group by snapshot_date
        order by snapshot_date`.execute(account.warehouse.query)
      expect(rows.map(({ days }) => days)).toEqual(
        Array.from(
          { length: 12 },
          (_, day) => `2026-01-${String(day + 1).padStart(2, '0')} 1 1000.0000`,
        ),
      )
    }))

  test('a referral that moves to another engagement leaves its deal, whose others go on', () =>
    withAccount(async (account) => {
      await load(
        account,
        [
          party(1, 'active', 3, own),
          party(2, 'active', 3, forMicrosoft),
          party(3, 'active', 3, own),
        ],
        at(4),
      )
      const moved = { ...own, engagementId: dealOf(2) }
      await load(account, [party(1, 'active', 6, moved), party(3, 'active', 6, moved)], at(7))
      expect(await dealsOf(account)).toMatchObject([
        { deal_id: dealOf(1), primary: referralIdOf(2), own: null, count: 1 },
        { deal_id: dealOf(2), primary: referralIdOf(1), count: 2 },
      ])
      await load(
        account,
        [party(2, 'active', 8, { ...forMicrosoft, engagementId: dealOf(2) })],
        at(9),
      )
      expect(await dealsOf(account)).toMatchObject([{ deal_id: dealOf(2), count: 3 }])
      await publishesNothing(account)
    }))

  test('a publish of one referral writes the rows of its own deal and no other', () =>
    withAccount(async (account) => {
      const others = [2, 3, 4, 5].map((no) =>
        party(no, 'active', 3, { ...own, engagementId: dealOf(no) }),
      )
      await load(account, [party(1, 'active', 3, own), ...others], at(4))
      const again = await load(account, [party(9, 'won', 6, forMicrosoft)], at(7))
      expect(writtenBy(again)).toMatchObject({
        'dw.dim_engagement': '0 new, 1 changed, 0 gone',
        'dw.fact_engagement_history': '1 new, 1 changed, 0 gone',
      })
    }))

  test('the migration that adds deals finds the same ones as a publish', () =>
    withAccount(async (account) => {
      await load(
        account,
        [
          party(1, 'active', 3, own),
          party(2, 'active', 3, forMicrosoft),
          party(3, 'lost', 3, forPartner),
          party(4, 'won', 3, { ...own, engagementId: null }),
        ],
        at(4),
      )
      await load(account, [party(2, 'won', 6, forMicrosoft)], at(7))
      const [deals, spans] = [await dealsOf(account), await spansOf(account)]
      const file = new URL('../../../sql/migrations/0023_engagements_filled.sql', import.meta.url)
      const text = await readFile(file, 'utf8')
      await account.warehouse.query.transaction().execute(async (transaction) => {
        await sql`delete from dw.dim_engagement`.execute(transaction)
        for (const statement of text.split(/;\s*$/m)) {
          if (statement.trim() !== '') await sql.raw(statement).execute(transaction)
        }
      })
      expect([await dealsOf(account), await spansOf(account)]).toEqual([deals, spans])
      await publishesNothing(account)
    }))
})
