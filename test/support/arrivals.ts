import type { Kysely } from 'kysely'
import { CosellError } from '../../src/errors.ts'
import { backfill } from '../../src/pipeline/backfill/backfill.ts'
import { run } from '../../src/pipeline/run.ts'
import type { RunContext } from '../../src/pipeline/run-context.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from './database.ts'
import { type Digest, digestState } from './digest.ts'
import { contextOf, type Settings, type TestPipeline, withPipeline } from './with-pipeline.ts'

/** Start of the sandbox's time; it may lie after the real time. */
export const now = new Date('2026-12-31T00:00:00Z')
/** Referrals that arrive one a day from 1 July 2026 on: two months of creation. */
export const from = '2026-07-01'
export const to = '2026-08-11'
export const arrivals = 40
export const pageCap = 5

/** Context of a backfill, and a way to stop it. */
export function environmentFor(
  { warehouse, home, sandbox }: TestPipeline,
  settings: Settings = {},
) {
  const logged: string[] = []
  const interruption = new AbortController()
  const environment: RunContext = {
    ...contextOf(warehouse, home, logged, { ...demoSettings(sandbox.url), ...settings }),
    signal: interruption.signal,
  }
  const messages = () => logged.map((line) => String(JSON.parse(line).msg))
  return { environment, messages, abort: (reason: CosellError) => interruption.abort(reason) }
}

export function fill(nights: TestPipeline, span: { from: string; to?: string } = { from, to }) {
  return backfill(environmentFor(nights).environment, span, { now, pauseMs: 0 })
}

export function withArrivals(
  use: (nights: TestPipeline) => Promise<void>,
  options: Parameters<typeof withPipeline>[0] = {},
) {
  return withPipeline({ referrals: 0, seed: 9, pageCap, ...options }, (nights) => {
    nights.sandbox.change(0)
    for (let day = 0; day < arrivals; day += 1) nights.sandbox.arrive(1)
    return use(nights)
  })
}

/** Columns with the time of reading, which may differ. */
export const state = (db: Kysely<Database>): Promise<Digest> =>
  digestState(db, ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_partner_account'])

/** State that one full run over the present source leaves in an empty warehouse. */
export function fresh(
  { sandbox, home }: TestPipeline,
  leaveOut: readonly string[] = [],
): Promise<Digest> {
  return withDatabase(async (db, _, warehouse) => {
    await run(contextOf(warehouse, home, [], demoSettings(sandbox.url)), true)
    return leaveOut.length === 0 ? state(db) : digestState(db, leaveOut)
  })
}

export const deadline = new CosellError('run.deadline', 'The run took too long.')

export const isListCall = (url: string) => /^\/v1\.0\/engagements\/referrals\?/.test(url)

/** Interrupts a backfill at its request for page `pages` + 1 of its first window. */
export function interruptAfter(
  { sandbox }: TestPipeline,
  pages: number,
  { messages, abort }: Started,
) {
  const requests = sandbox.requests as unknown[]
  let asked = 0
  const push = (...answered: { url: string }[]) => {
    // Earlier requests are probes.
    if (messages().includes('run started') && answered.some(({ url }) => isListCall(url))) {
      asked += 1
    }
    if (asked > pages) {
      Reflect.deleteProperty(requests, 'push')
      abort(deadline)
    }
    return Array.prototype.push.apply(requests, answered)
  }
  Object.defineProperty(requests, 'push', { value: push, configurable: true })
}

type Started = Pick<ReturnType<typeof environmentFor>, 'messages' | 'abort'>
