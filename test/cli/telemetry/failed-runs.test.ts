import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { type AlteredReply, withAltered } from '../../support/altered-sandbox.ts'
import { withDatabase } from '../../support/database.ts'
import { deadlineOnSignal, shortestDeadline } from '../../support/deadline-on-signal.ts'
import { type CliProcess, resultOf, startCli } from '../../support/run-cli.ts'
import { withHome, withSandbox } from '../../support/with-pipeline.ts'
import { withCollector } from './collector.ts'
import { spansIn } from './otlp.ts'
import { samplesIn } from './samples-in.ts'

interface Failing {
  readonly why: string
  readonly code: number
  /** Changes the answer to the `no`-th request. */
  alter(reply: AlteredReply, no: number): void
  /** Called in the pause of a run, a second and a half after the answer 429. */
  meet(command: CliProcess): void
  readonly requests: number
  readonly throttledSeconds: { readonly least: number; readonly most: number }
}

function throttle(reply: AlteredReply, seconds: number): void {
  reply.status = 429
  reply.body = {}
  reply.headers = { 'retry-after': String(seconds) }
}

const inThePause = { requests: 2, throttledSeconds: { least: 1, most: 15 } }

const failing: readonly Failing[] = [
  {
    why: 'that was throttled and then refused',
    code: 77,
    alter: (reply, no) => {
      if (no === 2) throttle(reply, 3)
      if (no === 4) reply.status = 403
    },
    meet: () => undefined,
    requests: 4,
    throttledSeconds: { least: 2.9, most: 3.1 },
  },
  {
    why: 'that SIGTERM ended in a pause of 50 seconds',
    code: 143,
    alter: (reply, no) => {
      if (no === 2) throttle(reply, 50)
    },
    meet: ({ child }) => child.kill('SIGTERM'),
    ...inThePause,
  },
  {
    why: 'that its deadline ended in a pause of 50 seconds',
    code: 75,
    alter: (reply, no) => {
      if (no === 2) throttle(reply, 50)
    },
    meet: ({ child }) => child.kill('SIGUSR2'),
    ...inThePause,
  },
]

describe('the metrics of a run that failed', () => {
  test.each(failing)('a run $why tells how far it got', ({ code, alter, meet, ...expected }) =>
    withHome((home) =>
      withSandbox({ referrals: 60, pageCap: 20 }, (sandbox) =>
        withDatabase((db, url) =>
          withCollector('accept', async (collector, received) => {
            let asked = 0
            let isFailing = false
            let throttled = () => {}
            const inPause = new Promise<void>((resolve) => {
              throttled = resolve
            })
            const answer = (reply: AlteredReply) => {
              if (!isFailing) return
              asked += 1
              alter(reply, asked)
              if (reply.status === 429) throttled()
            }
            await withAltered(sandbox, answer, async (settings) => {
              const env = { ...settings, ...shortestDeadline, COSELL_DATABASE_URL: url }
              const first = await startCli(['run'], { cwd: home, env }).ended
              expect(first.code, first.stderr).toBe(0)
              isFailing = true
              const file = path.join(home, 'cosell.prom')
              const command = startCli(['run', '--full', '--json', '--metrics-file', file], {
                cwd: home,
                env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: collector },
                preload: await deadlineOnSignal(home),
              })
              await inPause
              await sleep(1_500)
              meet(command)
              const end = await command.ended
              expect(end.code, end.stderr).toBe(code)
              const result = resultOf(end)
              const samples = samplesIn(await readFile(file, 'utf8'))
              const of = (name: string) => samples.get(`cosell_${name}{account="demo"}`)
              const ofRun = (name: string) =>
                samples.get(`cosell_last_run_${name}{account="demo",mode="full"}`) ?? -1
              expect(asked).toBe(expected.requests)
              expect(of('run_exit_code')).toBe(code)
              expect(of('run_requests')).toBe(expected.requests)
              const { least, most } = expected.throttledSeconds
              expect(of('run_throttled_seconds')).toBeGreaterThanOrEqual(least)
              expect(of('run_throttled_seconds')).toBeLessThanOrEqual(most)
              expect(ofRun('success')).toBe(0)
              expect(ofRun('requests')).toBe(expected.requests)
              expect(ofRun('throttled_responses')).toBe(1)
              expect(ofRun('duration_seconds')).toBeGreaterThanOrEqual(least)
              const listed = await sql<{ referrals: number }>`
                select count(distinct resource_id) as referrals from stg.listed_referral
                where run_id = 2`.execute(db)
              expect(ofRun('referrals_read')).toBeGreaterThanOrEqual(20)
              expect(ofRun('referrals_read')).toBe(listed.rows[0]?.referrals)
              const stages = [...samples].filter(([name]) => name.includes('stage_duration'))
              expect(stages).toHaveLength(1)
              const [[stage = '', seconds = 0] = []] = stages
              expect(stage).toContain('stage="extract"')
              expect(seconds).toBeGreaterThanOrEqual(least)
              expect(result).toMatchObject({
                requests: expected.requests,
                throttled: 1,
                throttled_ms: Math.round(1_000 * (of('run_throttled_seconds') ?? 0)),
                duration_ms: Math.round(1_000 * seconds),
                stages: { extract_ms: Math.round(1_000 * seconds), transform_ms: 0, publish_ms: 0 },
              })
              const spans = received
                .filter((one) => one.path === '/v1/traces')
                .flatMap(({ body }) => spansIn(body))
              const stagesCut = spans.filter(({ name }) => name !== 'page')
              expect(stagesCut.map(({ name, status }) => [name, status]).sort()).toEqual([
                ['cosell run', 2],
                ['extract', 2],
                ['run', 2],
              ])
              const cut = spans.find(({ name }) => name === 'run')?.attributes ?? {}
              expect(cut['cosell.requests']).toBe(expected.requests)
              const ms = 1_000 * (of('run_throttled_seconds') ?? 0)
              expect(Math.abs(Number(cut['cosell.throttled_ms']) - ms)).toBeLessThan(1_000)
            })
          }),
        ),
      ),
    ),
  )
})
