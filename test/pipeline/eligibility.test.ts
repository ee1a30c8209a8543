import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { storeEligibilitySource } from '../../src/pipeline/stored-settings/eligibility-source.ts'
import { policiesOf } from '../../src/sandbox/data/policies.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withServer } from '../support/scripted-server.ts'
import { failureOf, withPipeline } from '../support/with-pipeline.ts'

const below = '/v1.0/engagements/referrals/{referralId}'
const template = `${below}/registrationEligibilityPolicies`

const store = (db: Kysely<Database>, place: string, apiUrl: string) =>
  storeEligibilitySource(db, place, [{ apiUrl }])

/** Policies of the mart as text, in order. */
async function shown(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ policy: string }>`
    select concat_ws(';', referral_id, policy_name, case when is_eligible then 'yes' else 'no' end,
      referral_properties, additional_properties) as policy
    from mart.registration_eligibility`.execute(db)
  return rows.map(({ policy }) => policy).sort()
}

/** What the mart should show of what the sandbox offers. */
function offered(referrals: readonly Referral[]): string[] {
  const lines = referrals.flatMap(({ id = null }) =>
    policiesOf(id ?? '').map(
      ({ policyName, isEligible, referralProperties, additionalProperties }) =>
        [
          id,
          policyName,
          isEligible ? 'yes' : 'no',
          Object.entries(referralProperties ?? {})
            .map(([name, value]) => `${name}=${value}`)
            .sort()
            .join(' | '),
          (additionalProperties ?? []).join(' | '),
        ].join(';'),
    ),
  )
  return lines.sort()
}

const askedFor = (requests: readonly { readonly url: string }[], part: string) =>
  requests.filter(({ url }) => url.includes(part)).length

describe('eligibility policies', () => {
  test('a run loads those of the property that is looked at unless another place is named', () =>
    withPipeline({ referrals: 60, seed: 2, eligibility: 'property' }, async (nights) => {
      await nights.run()
      const expected = offered(nights.sandbox.referrals())
      expect(expected.length).toBeGreaterThan(30)
      expect(await shown(nights.db)).toEqual(expected)
    }))

  test('a run reads them from an address, once for each version of a referral', () =>
    withPipeline({ referrals: 60, seed: 2, eligibility: 'address' }, async (nights) => {
      const { db, sandbox, run, rebuild } = nights
      await run()
      expect(await shown(db)).toEqual([])
      expect(await store(db, template, sandbox.url)).toBe(true)
      const requests = () => askedFor(sandbox.requests, 'registrationEligibilityPolicies')
      await run()
      expect(requests()).toBe(60)
      expect(await shown(db)).toEqual(offered(sandbox.referrals()))
      // Nothing is asked again, not even for the third without a policy.
      expect(await run()).toMatchObject({ changed: 0, rows_written: 0 })
      expect(requests()).toBe(60)
      const changed = sandbox.change(7)
      await run()
      expect(requests()).toBe(60 + changed.length)
      const before = await shown(db)
      expect(before).toEqual(offered(sandbox.referrals()))
      expect(await rebuild()).toMatchObject({ rows_written: 0 })
      expect(await shown(db)).toEqual(before)
    }))

  test('a run asks again at another address, and for a referral that is missing not at all', () =>
    withPipeline({ referrals: 40, seed: 3, eligibility: 'address' }, async (nights) => {
      const { db, sandbox, run, passNight } = nights
      await store(db, `${below}/nothing`, sandbox.url)
      await run()
      expect(askedFor(sandbox.requests, '/nothing')).toBe(40)
      expect(await shown(db)).toEqual([])
      sandbox.vanish(2)
      await run(true)
      await passNight()
      await run(true)
      await store(db, template, sandbox.url)
      await run()
      expect(askedFor(sandbox.requests, 'registrationEligibilityPolicies')).toBe(38)
      expect(await shown(db)).toEqual(offered(sandbox.referrals()))
    }))

  test('a run publishes the referrals where the address fails, and says so', () =>
    withPipeline({ referrals: 40, seed: 3 }, async (nights) => {
      const { db, run, logged, sandbox } = nights
      await store(db, '/sandbox/change?of={referralId}', sandbox.url)
      expect(await run()).toMatchObject({ changed: 40 })
      expect(logged.join('\n')).toContain('the address of eligibility policies fails')
      // It stops after a few, up to those that were under way.
      const asked = askedFor(sandbox.requests, '/sandbox/change')
      expect(asked).toBeGreaterThan(4)
      expect(asked).toBeLessThan(20)
    }))

  test.each(['%s/policies/{referralId}', '//127.0.0.1:9/{referralId}', 'http://{referralId}/'])(
    'the address %s, of another host, is refused before anything is sent',
    (place) =>
      withServer(
        () => ({ body: [] }),
        (other) =>
          withPipeline({ referrals: 10, seed: 3 }, async ({ db, run, sandbox }) => {
            const address = place.replace('%s', other.url)
            const refusal = { code: 'eligibility.address', exitCode: 78 }
            expect(await failureOf(store(db, address, sandbox.url))).toMatchObject(refusal)
            await sql`
              update etl.setting set setting_value = ${address}
              where setting_name = 'eligibility_source'`.execute(db)
            expect(await failureOf(run())).toMatchObject(refusal)
            expect(other.requests).toEqual([])
            expect(sandbox.requests).toEqual([])
          }),
      ),
  )
})
