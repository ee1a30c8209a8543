import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { resultOf } from '../../support/run-cli.ts'
import { type Manner, withCollector, withWorld } from './collector.ts'
import { pointsIn, spansIn } from './otlp.ts'

describe('OpenTelemetry', () => {
  test('a collector gets a span of the command, the run, each stage and page, and the metrics', () =>
    withWorld(({ run }) =>
      withCollector('accept', async (url, received) => {
        const end = await run(['run', '--json'], {
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_EXPORTER_OTLP_HEADERS: 'x-key=abc',
          OTEL_SERVICE_NAME: 'co-sell nightly',
        })
        expect(end.code, end.stderr).toBe(0)
        const spans = received
          .filter((one) => one.path === '/v1/traces')
          .flatMap(({ body }) => spansIn(body))
        expect(new Set(spans.map((span) => span.trace)).size).toBe(1)
        const byId = new Map(spans.map((span) => [span.id, span]))
        const tree = spans.map((span) => `${byId.get(span.parent)?.name ?? ''} > ${span.name}`)
        expect(tree.filter((edge) => edge !== 'extract > page').sort()).toEqual([
          ' > cosell run',
          'cosell run > run',
          'run > extract',
          'run > publish',
          'run > transform',
        ])
        const pages = spans.filter(({ name }) => name === 'page').map((span) => span.attributes)
        expect(pages.map((page) => page['cosell.page'])).toEqual(pages.map((_, index) => index + 1))
        const read = pages.map((page) => Number(page['cosell.referrals']))
        expect(read.slice(0, 3)).toEqual([20, 20, 20])
        const ofRun = spans.find(({ name }) => name === 'run')
        expect(ofRun?.attributes).toMatchObject({
          'cosell.account': 'default',
          'cosell.run_id': 1,
          'cosell.mode': 'full',
          'cosell.referrals.seen': 60,
          'cosell.requests': resultOf(end).requests,
        })
        expect(ofRun?.resource['service.name']).toBe('co-sell nightly')
        for (const span of spans) {
          expect(span.endMs).toBeGreaterThanOrEqual(span.startMs)
          const parent = byId.get(span.parent)
          if (parent === undefined) continue
          expect(span.startMs, span.name).toBeGreaterThanOrEqual(parent.startMs - 1)
          expect(span.endMs, span.name).toBeLessThanOrEqual(parent.endMs + 1)
        }
        const sent = received.filter((one) => one.path === '/v1/metrics')
        const points = sent.flatMap(({ body }) => pointsIn(body))
        expect(points).toContainEqual({
          name: 'cosell_referrals',
          unit: '1',
          attributes: { account: 'default' },
          value: 60,
        })
        expect(points).toContainEqual({
          name: 'cosell_command_exit_code',
          unit: '1',
          attributes: { command: 'run' },
          value: 0,
        })
        expect(received.every(({ headers }) => headers['x-key'] === 'abc')).toBe(true)
      }),
    ))

  test('a rebuild, which reads no API, has no span of an extract', () =>
    withWorld(({ run }) =>
      withCollector('accept', async (url, received) => {
        expect(await run(['run'])).toMatchObject({ code: 0 })
        const end = await run(['rebuild'], { OTEL_EXPORTER_OTLP_ENDPOINT: url })
        expect(end.code, end.stderr).toBe(0)
        const traces = received.filter((one) => one.path === '/v1/traces')
        const names = traces.flatMap(({ body }) => spansIn(body)).map(({ name }) => name)
        expect(names.sort()).toEqual(['cosell rebuild', 'publish', 'run', 'transform'])
      }),
    ))

  test('variables of .env count, and a failed run has spans with an error', () =>
    withWorld(({ home, run }) =>
      withCollector('accept', async (url, received) => {
        await writeFile(
          path.join(home, '.env'),
          `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${url}/spans\n`,
        )
        const end = await run(['run'], { COSELL_REFRESH_TOKEN: 'unknown' })
        expect(end.code, end.stderr).toBe(77)
        expect(received.map((one) => one.path)).toEqual(['/spans'])
        const spans = received.flatMap(({ body }) => spansIn(body))
        expect(spans).toMatchObject([
          { name: 'cosell run', status: 2, attributes: { 'cosell.exit_code': 77 } },
        ])
      }),
    ))
})

describe('OpenLineage', () => {
  test('a server gets the begin and the end of each run, with what it reads and writes', () =>
    withWorld(({ env, run }) =>
      withCollector('accept', async (url, received) => {
        const variables = { OPENLINEAGE_URL: `${url}/`, OPENLINEAGE_API_KEY: 'a-key' }
        const end = await run(['run'], { ...variables, OPENLINEAGE_NAMESPACE: 'sales' })
        expect(end.code, end.stderr).toBe(0)
        expect(await run(['rebuild'], variables)).toMatchObject({ code: 0 })
        expect(new Set(received.map((one) => one.path))).toEqual(new Set(['/api/v1/lineage']))
        expect(received[0]?.headers.authorization).toBe('Bearer a-key')
        const events = received.map(({ body }) => JSON.parse(body.toString()))
        const [begun, ended, rebuilding] = events
        expect(events.map(({ eventType, job }) => [eventType, job.namespace, job.name])).toEqual([
          ['START', 'sales', 'cosell.run.default'],
          ['COMPLETE', 'sales', 'cosell.run.default'],
          ['START', 'default', 'cosell.rebuild.default'],
          ['COMPLETE', 'default', 'cosell.rebuild.default'],
        ])
        expect(begun.run.runId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        expect(ended.run.runId).toBe(begun.run.runId)
        expect(rebuilding.run.runId).not.toBe(begun.run.runId)
        expect(begun.inputs).toEqual([
          { namespace: env.COSELL_API_URL, name: '/v1.0/engagements/referrals' },
        ])
        expect(rebuilding.inputs).toEqual([])
        const { host, pathname } = new URL(env.COSELL_DATABASE_URL ?? '')
        const outputs = ended.outputs as { namespace: string; name: string }[]
        expect(new Set(outputs.map(({ namespace }) => namespace))).toEqual(
          new Set([`postgres://${host}`]),
        )
        const names = outputs.map(({ name }) => name)
        const database = pathname.slice(1)
        expect(names).toContain(`${database}.dw.fact_referral`)
        expect(names).toContain(`${database}.mart.win_rate`)
        expect(names.filter((name) => /\.(raw|pii|etl|stg)\./.test(name))).toEqual([])
      }),
    ))
})

describe('a collector that does not take what it is given', () => {
  test('variables that no exporter can use leave the outcome of a run as it is', () =>
    withWorld(async ({ run }) => {
      const end = await run(['run'], {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'no address',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'brick',
        OTEL_TRACES_SAMPLER: 'dice',
        OPENLINEAGE_URL: 'no address',
      })
      expect(end.code, end.stderr).toBe(0)
      expect(end.stderr).toContain('the load is not affected')
    }))

  test.each<{ manner: Manner | 'away' }>([
    { manner: 'refuse' },
    { manner: 'hang' },
    { manner: 'away' },
  ])('a run with collectors that $manner publishes, and takes at most 2 s longer', ({ manner }) =>
    withWorld(({ run }) =>
      withCollector(manner === 'away' ? 'accept' : manner, async (present) => {
        const url = manner === 'away' ? 'http://127.0.0.1:9' : present
        /** Milliseconds from the publish, as the log has it, to the end of the process. */
        const timed = async (more: Readonly<Record<string, string>>) => {
          const end = await run(['run', '--json'], more)
          const endedMs = Date.now()
          expect(end.code, end.stderr).toBe(0)
          const lines = end.stderr
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
          const published = lines.find(({ msg }) => msg === 'published')
          return { ms: endedMs - Date.parse(published?.time), stderr: end.stderr }
        }
        const plain = await timed({})
        const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OPENLINEAGE_URL: url }
        const watched = await timed(variables)
        expect(watched.ms - plain.ms).toBeLessThan(2_000)
        expect(watched.stderr).toContain('OpenTelemetry collector: not all was taken')
        expect(watched.stderr).toContain('OpenLineage server: not all was taken')
      }),
    ),
  )
})
