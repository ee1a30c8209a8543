import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from '../../support/run-cli.ts'
import { withSandbox } from '../../support/with-pipeline.ts'
import { withCollector, withWorld } from './collector.ts'
import { pointsIn, spansIn } from './otlp.ts'

describe('several accounts side by side', () => {
  test('each account has spans, points and lineage events of its own, and one that failed its exit code', () =>
    withWorld(({ home, env }) =>
      withSandbox({ referrals: 30, seed: 2, pageCap: 20 }, (south) =>
        withCollector('accept', async (url, received) => {
          const api = env.COSELL_API_URL ?? ''
          const file = path.join(home, 'accounts.json')
          const accounts = [
            ['north', api, 'sandbox-refresh-token'],
            ['south', south.url, 'sandbox-refresh-token'],
            ['west', south.url, 'unknown'],
          ].map(([account, apiUrl, refreshToken]) => ({
            ...{ account, apiUrl, authorityUrl: apiUrl, refreshToken },
            ...{ clientId: 'sandbox', tenantId: account === 'west' ? 'other' : 'sandbox' },
          }))
          await writeFile(file, JSON.stringify(accounts), { mode: 0o600 })
          const { COSELL_DATABASE_URL = '' } = env
          const end = await runCli(['run', '--workers', '3', '--json'], {
            cwd: home,
            env: {
              ...{ COSELL_DATABASE_URL, COSELL_ACCOUNTS_FILE: file, OPENLINEAGE_URL: url },
              OTEL_EXPORTER_OTLP_ENDPOINT: url,
            },
          })
          expect(end.code, end.stderr).toBe(77)
          const at = (where: string) => received.filter((one) => one.path === where)
          const spans = at('/v1/traces').flatMap(({ body }) => spansIn(body))
          const runs = spans.filter(({ name }) => name === 'run')
          const accountOf = new Map(runs.map((one) => [one.id, one.attributes['cosell.account']]))
          expect([...accountOf.values()].sort()).toEqual(['north', 'south'])
          const seen = new Map(
            runs.map((one) => [one.attributes['cosell.account'], one.attributes]),
          )
          expect(seen.get('north')).toMatchObject({ 'cosell.referrals.seen': 60 })
          expect(seen.get('south')).toMatchObject({ 'cosell.referrals.seen': 30 })
          for (const [id, account] of accountOf) {
            const stages = spans.filter(({ parent }) => parent === id)
            expect(stages.map(({ name }) => name).sort(), String(account)).toEqual([
              ...['extract', 'publish', 'transform'],
            ])
            const extract = stages.find(({ name }) => name === 'extract')?.id
            const pages = spans.filter(({ parent }) => parent === extract)
            const read = pages.map(({ attributes }) => Number(attributes['cosell.referrals']))
            const all = { north: 60, south: 30 }[String(account)]
            expect(read.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(all ?? 0)
          }
          const points = at('/v1/metrics').flatMap(({ body }) => pointsIn(body))
          const codes = points.filter(({ name }) => name === 'cosell_run_exit_code')
          expect(codes.map(({ attributes, value }) => [attributes.account, value]).sort()).toEqual([
            ['north', 0],
            ['south', 0],
            ['west', 77],
          ])
          const events = at('/api/v1/lineage').map(({ body }) => JSON.parse(body.toString()))
          for (const [account, address] of [
            ['north', api],
            ['south', south.url],
          ]) {
            const own = events.filter(({ job }) => job.name === `cosell.run.${account}`)
            expect(own.map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE'])
            expect(new Set(own.map(({ run: { runId } }) => runId)).size).toBe(1)
            expect(own[0].inputs).toMatchObject([{ namespace: address }])
          }
          expect(events).toHaveLength(4)
          expect(new Set(events.map(({ run: { runId } }) => runId)).size).toBe(2)
        }),
      ),
    ))
})
