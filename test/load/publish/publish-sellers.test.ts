import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { readReference } from '../../../src/load/runs/reference.ts'
import { toContext } from '../../../src/pipeline/transform-and-publish.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  load,
  referralIdOf,
  reload,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aMember, aReferral } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const ada = aMember('ada@example.com', 'Ada', 'Moe')
const bo = aMember('bo@example.com', 'Bo', 'Aas')
const microsoft = aMember('someone@example.microsoft.com', 'Some', 'One')

const staffed = (no: number, team: (typeof ada)[], day = 1) =>
  aReferral({
    id: referralIdOf(no),
    engagementId: referralIdOf(900 + no),
    updatedDateTime: `2026-01-0${day}T08:00:00Z`,
    team,
  })

/** Sellers of each referral by name, `?` where nothing leads to one. */
async function namesOf({ warehouse }: TestAccount): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', right(referral.referral_id, 1), coalesce(seller.first_name, '?'),
      known.seller_kind, known.email_domain, bridge.weight) as line
    from dw.bridge_referral_seller bridge
    join dw.dim_referral referral using (referral_key)
    join dw.dim_seller known using (seller_key)
    left join pii.seller seller using (seller_key)
    order by 1`.execute(warehouse.query)
  return rows.map(({ line }) => line)
}

async function erase({ warehouse }: TestAccount, email: string) {
  await sql`
    insert into pii.erasure (contact_hash, requested_at, requested_by)
    select distinct contact_hash, now(), 'a test' from pii.contact where lower(email) = ${email}`.execute(
    warehouse.query,
  )
}

describe('publish of sellers', () => {
  test('publish adds the people of teams once, and pii.seller names them', () =>
    withAccount(async (account) => {
      await load(account, [staffed(1, [ada, bo, microsoft]), staffed(2, [ada])])
      const expected = [
        '1 Ada Own example.com 0.500000',
        '1 Bo Own example.com 0.500000',
        '1 Some Microsoft example.microsoft.com 1.000000',
        '2 Ada Own example.com 1.000000',
      ]
      expect(await namesOf(account)).toEqual(expected)
      expect(writtenBy(await reload(account))).not.toHaveProperty('dw.bridge_referral_seller')
      expect(await namesOf(account)).toEqual(expected)
    }))

  test('publish replaces the sellers of a referral whose team changed', () =>
    withAccount(async (account) => {
      await load(account, [staffed(1, [ada, bo])])
      const written = writtenBy(await load(account, [staffed(1, [bo], 2)]))
      expect(await namesOf(account)).toEqual(['1 Bo Own example.com 1.000000'])
      expect(written['dw.bridge_referral_seller']).toBe('0 new, 1 changed, 1 gone')
    }))

  test('the next publish makes an erased person unknown, in referrals that it does not touch too', () =>
    withAccount(async (account) => {
      await load(account, [staffed(1, [ada, bo]), staffed(2, [ada])])
      await erase(account, 'ada@example.com')
      await load(account, [staffed(3, [bo])])
      expect(await namesOf(account)).toEqual([
        '1 ? Own 0.500000',
        '1 Bo Own example.com 0.500000',
        '2 ? Own 1.000000',
        '3 Bo Own example.com 1.000000',
      ])
      const { rows } = await sql<{ found: number }>`
        select count(*) as found
        from dw.dim_seller join pii.erasure on contact_hash = seller_hash`.execute(
        account.warehouse.query,
      )
      expect(rows).toEqual([{ found: 0 }])
    }))

  test('a publish without any referral makes an erased person unknown', () =>
    withAccount(async (account) => {
      await load(account, [staffed(1, [ada])])
      await erase(account, 'ada@example.com')
      expect(await load(account, [])).toMatchObject({ staged: 0 })
      expect(await namesOf(account)).toEqual(['1 ? Own 1.000000'])
    }))

  test('a later version of a referral and a rebuild bring no erased person back', () =>
    withAccount(async (account) => {
      await load(account, [staffed(1, [ada, bo]), staffed(2, [ada])])
      await erase(account, 'ada@example.com')
      const reference = await readReference(account.warehouse.query)
      const later = { ...account, reference, context: toContext(reference) }
      await load(later, [staffed(1, [ada, bo, microsoft], 2)])
      const expected = [
        '1 ? Own 0.500000',
        '1 Bo Own example.com 0.500000',
        '1 Some Microsoft example.microsoft.com 1.000000',
        '2 ? Own 1.000000',
      ]
      expect(await namesOf(later)).toEqual(expected)
      await reload(later)
      expect(await namesOf(later)).toEqual(expected)
    }))
})
