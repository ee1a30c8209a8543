/**
 * Measures what keeps a warehouse for years: `npm run bench:keep [-- referrals]`, 100,000 by default.
 * Every referral has three versions, of which the second shows nothing new. The star is built of them;
 * a rebuild is shown beforehand, superseded versions are purged, and the rebuild is shown again: each
 * time nothing would change. Referrals are multiplied in the landing zone.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { enterAccount } from '../src/load/runs/accounts.ts'
import { beginRun } from '../src/load/runs/ledger.ts'
import { type Kysely, openDatabase } from '../src/warehouse/connection/database.ts'
import { startEmbedded } from '../src/warehouse/embedded/embedded.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'
import type { Database } from '../src/warehouse/tables.generated.ts'
import { unnamedSource } from '../test/support/load-referrals.ts'
import { runWatched, watchKeeping } from './load.ts'
import { landCopies, landTemplate } from './multiply.ts'
import { say } from './say.ts'

const memoryGoal = '≤ 200 MiB'

const referrals = Number(process.argv[2] ?? 100_000)
say('referrals', referrals)
const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
// When root starts it, the server runs under another account, which needs access.
await chmod(home, 0o755)
const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
const warehouse = await openDatabase(embedded.url)
try {
  const { query } = warehouse
  await migrate(query)
  await land(query)
  const settings = { COSELL_HOME: home, COSELL_DATABASE_URL: embedded.url }
  await runWatched(settings, ['rebuild'])
  await measure('rebuild --diff, nothing new', ['rebuild', '--diff'])
  await measure('purge --versions 30 --plan', ['purge', '--versions', '30', '--plan'])
  await measure('purge --versions 30', ['purge', '--versions', '30', '--yes'])
  await measure('rebuild --diff after it', ['rebuild', '--diff'])

  async function measure(what: string, args: readonly string[]) {
    const kept = await watchKeeping(warehouse, settings, args)
    say(what, `${kept.cpuSeconds.toFixed(1)} s CPU`, kept.ms)
    say('  space of the database meanwhile', `${kept.spaceMib.toFixed(0)} MiB`)
    say('  of it left', `${kept.leftMib.toFixed(0)} MiB`)
    say('  peak memory', `${kept.peakMib} MiB`, undefined, memoryGoal)
    for (const line of kept.said.trimEnd().split('\n')) say(`  ${line}`, '')
  }
} finally {
  await warehouse.close()
  await embedded.stop()
  await rm(home, { recursive: true, force: true })
}

/** Lands copies, and of each two versions more a day and two days later, all of them long ago. */
async function land(query: Kysely<Database>): Promise<void> {
  const account = await enterAccount(query, { name: 'bench', tenantId: undefined }, unnamedSource)
  const begin = () =>
    beginRun(query, {
      partnerAccountKey: account,
      mode: 'full',
      from: null,
      to: null,
      appVersion: '0',
      transformVersion: 1,
    })
  await landTemplate(query)
  await landCopies(query, account, await begin(), referrals)
  await sql`update raw.payload set observed_at = now() - interval '100 days'
    where partner_account_key = ${account}`.execute(query)
  for (const versionNo of [2, 3]) {
    const runId = await begin()
    await sql`
      insert into raw.payload
        (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
          source_updated_at, source_updated_text, source_ref, run_id, payload)
      select partner_account_key, resource_type, resource_id, ${versionNo},
        observed_at + interval '1 day', payload_hash || ${versionNo}, later.at,
        later.text, source_ref, ${runId}::bigint,
        payload || jsonb_build_object('updatedDateTime', later.text)
      from raw.payload
      cross join lateral (
        select source_updated_at + interval '1 day' as at,
          to_char(source_updated_at at time zone 'UTC' + interval '1 day',
            'YYYY-MM-DD"T"HH24:MI:SS"Z"') as text
      ) later
      where partner_account_key = ${account} and version_no = ${versionNo - 1}`.execute(query)
    await sql`
      insert into pii.payload (partner_account_key, resource_type, resource_id, version_no, people)
      select partner_account_key, resource_type, resource_id, ${versionNo}, people
      from pii.payload
      where partner_account_key = ${account} and version_no = 1`.execute(query)
  }
  await sql`vacuum analyze`.execute(query)
}
