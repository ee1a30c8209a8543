import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { type Digest, digestState } from '../support/digest.ts'
import { runCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

/** Only the time of reading may differ between two loads of the same referrals. */
const whenSeen = [
  'observed_at',
  'evaluated_at',
  'evaluated_date',
  'dw.fact_referral_history.row_hash',
]

async function landedDigest(db: Kysely<Database>): Promise<string> {
  const landed = await sql<{ digest: string }>`
    select count(*) || ' ' || md5(string_agg(row(resource_id, version_no, source_updated_at,
      source_updated_text, payload)::text, ' ' order by resource_id, version_no)) as digest
    from raw.payload`.execute(db)
  return landed.rows[0]?.digest ?? ''
}

test('the time zone of the machine changes no row', () =>
  withSandbox({ referrals: 150, seed: 11 }, async (sandbox) => {
    const load = (zone: string): Promise<Digest> =>
      withHome((home) =>
        withDatabase(async (db, url) => {
          const ended = await runCli(['run', '--json'], {
            cwd: home,
            env: { ...demoSettings(sandbox.url), COSELL_DATABASE_URL: url, TZ: zone },
          })
          expect(ended.code, ended.stderr.slice(-2_000)).toBe(0)
          return { landed: await landedDigest(db), ...(await digestState(db, whenSeen)) }
        }),
      )
    const zones = ['UTC', 'Pacific/Auckland', 'America/Los_Angeles']
    const [utc, ...others] = await Promise.all(zones.map(load))
    expect(utc?.['dw.fact_referral']).toMatch(/^150 rows /)
    for (const other of others) expect(other).toEqual(utc)
  }))
