import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { sandboxSettings } from '../../../src/sandbox/settings.ts'
import { withDatabase } from '../../support/database.ts'
import { type CliResult, resultOf, runCli } from '../../support/run-cli.ts'
import { withHome, withSandbox } from '../../support/with-pipeline.ts'
import { pointsIn, spansIn } from './otlp.ts'

interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** What a collector does with a request; `hang` never answers. */
type Manner = 'accept' | 'refuse' | 'hang'

async function withCollector<T>(
  manner: Manner,
  use: (url: string, received: readonly Received[]) => Promise<T>,
): Promise<T> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    received.push({ path: request.url ?? '', headers: request.headers, body })
    if (manner !== 'hang') response.writeHead(manner === 'accept' ? 200 : 503).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, received)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

interface World {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  run(args: readonly string[], more?: Readonly<Record<string, string>>): Promise<CliResult>
  age(hours: number): Promise<void>
  /** Marks the account as one that is read no more. */
  retire(): Promise<void>
}

function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withSandbox({ referrals: 60, pageCap: 20, rotateRefreshToken: true }, ({ url: api }) =>
      withDatabase((db, url) => {
        const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
        return use({
          home,
          env,
          run: (args, more = {}) => runCli(args, { cwd: home, env: { ...env, ...more } }),
          age: async (hours) => {
            await sql`
              update etl.run set published_at = published_at - make_interval(hours => ${hours})
            `.execute(db)
          },
          retire: async () => {
            await sql`update dw.dim_partner_account set is_active = false`.execute(db)
          },
        })
      }),
    ),
  )
}

/** Samples of Prometheus' text format by name and labels, as its specification describes lines. */
function samplesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, name = '', value = ''] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
      expect(name, line).not.toBe('')
      return [name, Number(value)]
    }),
  )
}

const nowSeconds = () => Date.now() / 1_000

describe('cosell run --metrics-file', () => {
  test('the metrics of a run tell of its account, its stages and its end', () =>
    withWorld(async ({ home, run }) => {
      const file = path.join(home, 'node/cosell.prom')
      const end = await run(['run', '--json', '--metrics-file', file])
      expect(end.code, end.stderr).toBe(0)
      const { requests, rows_written, stages } = resultOf(end) as {
        requests: number
        rows_written: number
        stages: Record<string, number>
      }
      const text = await readFile(file, 'utf8')
      expect(await readdir(path.dirname(file)), 'no draft is left').toEqual(['cosell.prom'])
      const samples = samplesIn(text)
      const of = (name: string, labels = 'account="default"') => samples.get(`${name}{${labels}}`)
      const ofRun = (name: string) => of(`cosell_last_run_${name}`, 'account="default",mode="full"')
      expect(nowSeconds() - (of('cosell_last_success_timestamp_seconds') ?? 0)).toBeLessThan(60)
      expect(of('cosell_referrals')).toBe(60)
      expect(of('cosell_quarantined_versions')).toBe(0)
      expect(of('cosell_open_findings')).toBeGreaterThan(0)
      expect(of('cosell_sign_in_age_seconds')).toBeGreaterThanOrEqual(0)
      expect(ofRun('success')).toBe(1)
      expect(ofRun('requests')).toBe(requests)
      expect(ofRun('referrals_read')).toBe(60)
      expect(ofRun('rows_written')).toBeGreaterThan(60)
      expect(ofRun('rows_written')).toBeLessThanOrEqual(rows_written)
      for (const stage of ['extract', 'transform', 'publish']) {
        const seconds = of(
          'cosell_run_stage_duration_seconds',
          `account="default",stage="${stage}"`,
        )
        expect(Math.abs(1_000 * (seconds ?? 0) - (stages[`${stage}_ms`] ?? 0))).toBeLessThan(5)
      }
      expect(of('cosell_run_throttled_seconds')).toBe(0)
      expect(of('cosell_command_exit_code', 'command="run"')).toBe(0)
      const lag = of('cosell_watermark_lag_seconds') ?? 0
      const watermark = of('cosell_watermark_timestamp_seconds') ?? 0
      expect(Math.abs(nowSeconds() - lag - watermark)).toBeLessThan(60)
      const typed = [...text.matchAll(/^# TYPE (\w+) gauge$/gm)].map(([, name]) => name)
      const named = new Set([...samples.keys()].map((name) => name.replace(/\{.*/, '')))
      expect(new Set(typed)).toEqual(named)
    }))

  test('a run that fails writes its exit code, and what is known of the last success stays', () =>
    withWorld(async ({ home, run }) => {
      const file = path.join(home, 'cosell.prom')
      const load = (more = {}) => run(['run', '--metrics-file', file], more)
      const read = async () => samplesIn(await readFile(file, 'utf8'))
      const exitCode = 'cosell_command_exit_code{command="run"}'
      const success = 'cosell_last_success_timestamp_seconds{account="default"}'
      expect(await load({ COSELL_REFRESH_TOKEN: 'unknown' })).toMatchObject({ code: 77 })
      // A success that never was is no sample: 0 would be one in 1970.
      expect([...(await read()).keys()].filter((name) => name.includes('success'))).toEqual([])
      expect((await read()).get(exitCode)).toBe(77)
      expect(await load()).toMatchObject({ code: 0 })
      const before = await read()
      expect(before.get(exitCode)).toBe(0)
      const down = 'postgres://nobody@127.0.0.1:9/nowhere'
      expect(await load({ COSELL_DATABASE_URL: down })).toMatchObject({ code: 75 })
      const after = await read()
      expect(after.get(exitCode)).toBe(75)
      expect(after.get(success)).toBe(before.get(success))
      expect(after.get('cosell_referrals{account="default"}')).toBe(60)
    }))

  test('a metrics file that cannot be written leaves the outcome of a run as it is', () =>
    withWorld(async ({ home, run }) => {
      await writeFile(path.join(home, 'taken'), '')
      const end = await run(['run', '--metrics-file', path.join(home, 'taken/cosell.prom')])
      expect(end.code, end.stderr).toBe(0)
      expect(end.stderr).toContain('metrics file')
    }))

  test('cosell check --metrics prints the metrics of the accounts without a run', () =>
    withWorld(async ({ run, age, retire }) => {
      expect(await run(['run'])).toMatchObject({ code: 0 })
      await age(30)
      const end = await run(['check', '--metrics'])
      expect(end).toMatchObject({ code: 0, stderr: '' })
      const samples = samplesIn(end.stdout)
      const at = samples.get('cosell_last_success_timestamp_seconds{account="default"}') ?? 0
      expect(Math.round((nowSeconds() - at) / 3_600)).toBe(30)
      expect([...samples.keys()].filter((name) => name.startsWith('cosell_command'))).toEqual([])
      expect(await run(['check', '--metrics', '--json'])).toMatchObject({ code: 2 })
      await retire()
      const { stdout } = await run(['check', '--metrics'])
      expect(stdout).toContain('cosell_referrals{account="default"} 60')
      expect(stdout).not.toContain('cosell_last_success')
    }))
})

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
