import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError, isSignal } from '../errors.ts'
import { type IoBoundary, ioChannelName } from '../io-boundary.ts'

/**
 * Longest time of a run without progress. Every legal wait is shorter: a connection without traffic
 * is closed after 15 minutes, and the longest pause for the API, or for a backfill, lasts as long.
 */
const stillMsMaxDefault = 20 * 60_000
/** A stall is noticed late by a fortieth of the limit at most. */
const ticksPerLimit = 40
/** Longest wait for the last steps of a run that has stalled: its ledger, its lease, its pool. */
export const lastStepMsMax = 10_000

/** How long a run has made no progress, and the last boundary that it crossed. */
export interface Stillness {
  readonly stillMs: number
  readonly last: IoBoundary | undefined
}

export const atStart: Stillness = { stillMs: 0, last: undefined }

/** Statements that say nothing of the work: they surround others, extend the lease, or are of the queue. */
const aside =
  /^(connect|begin|start|set|select|commit|rollback|empty|(select|update) etl\.lease|\w+ cosell_queue\.\w+)$/

/** Returns the stillness after a boundary. A heartbeat goes on beside a run that hangs. */
export function afterBoundary(stillness: Stillness, boundary: IoBoundary): Stillness {
  const isAside = boundary.kind === 'sql' && aside.test(boundary.name)
  return isAside ? stillness : { stillMs: 0, last: boundary }
}

/**
 * Returns the stillness after a tick of the clock. A tick that comes much too late counts as two: the
 * process was stopped meanwhile, or the machine slept, and no answer could arrive.
 */
export function afterTick(stillness: Stillness, elapsedMs: number, tickMs: number): Stillness {
  return { ...stillness, stillMs: stillness.stillMs + Math.min(elapsedMs, 2 * tickMs) }
}

/** Returns the failure of a run without progress for `stillMsMax`; undefined before that. */
export function stallOf({ stillMs, last }: Stillness, stillMsMax: number): CosellError | undefined {
  if (stillMs < stillMsMax) return undefined
  const span =
    stillMsMax < 120_000
      ? `${Math.round(stillMsMax / 1000)} s`
      : `${Math.round(stillMsMax / 60_000)} minutes`
  const text =
    `The run made no progress for ${span}: ${describeWait(last)}. ` +
    'Nothing was published in part, and what it read is kept; run again.'
  return new CosellError('run.stalled', text)
}

function describeWait(last: IoBoundary | undefined): string {
  if (last === undefined) return 'it waited for its first statement or request'
  const { kind, name, phase } = last
  if (phase === 'before') return `it waited for the end of ${kind} "${name}"`
  return `its last step was the end of ${kind} "${name}"`
}

export interface Watchdog {
  /** Aborted with the failure when the run makes no progress. */
  readonly stalled: AbortSignal
  stop(): void
}

/** Watches the boundaries that this process crosses, until it is stopped. */
export function startWatchdog(stillMsMax = stillMsMaxDefault): Watchdog {
  const controller = new AbortController()
  const tickMs = stillMsMax / ticksPerLimit
  let stillness = atStart
  let tickedAt = performance.now()
  const listen = (message: unknown) => {
    stillness = afterBoundary(stillness, message as IoBoundary)
  }
  // It keeps the process running too: one that waits for nothing would end with code 0 or 13.
  const timer = setInterval(() => {
    const now = performance.now()
    stillness = afterTick(stillness, now - tickedAt, tickMs)
    tickedAt = now
    const stall = stallOf(stillness, stillMsMax)
    if (stall === undefined) return
    stop()
    controller.abort(stall)
  }, tickMs)
  const stop = () => {
    clearInterval(timer)
    unsubscribe(ioChannelName, listen)
  }
  subscribe(ioChannelName, listen)
  return { stalled: controller.signal, stop }
}

/**
 * Settles as `work` does, or rejects with the reason of `stalled` when that comes first. The work may
 * wait for a promise that never settles, so no signal could end it.
 */
export function unlessStalled<T>(
  work: Promise<T>,
  stalled: AbortSignal | undefined,
  graceMs = 0,
): Promise<T> {
  if (stalled === undefined) return work
  return new Promise<T>((resolve, reject) => {
    let grace: NodeJS.Timeout | undefined
    const end = () => {
      grace = setTimeout(() => reject(stalled.reason), graceMs)
    }
    stalled.addEventListener('abort', end, { once: true })
    if (stalled.aborted) end()
    work.then(resolve, reject).finally(() => {
      stalled.removeEventListener('abort', end)
      clearTimeout(grace)
    })
  })
}

/** Bounds of a run; `stop` when it has ended. */
export interface RunLimits {
  /** When the run has to be over, by `performance.now()`. */
  readonly deadlineAt: number
  /** Aborted with the reason why the run ends now: no progress, or a signal long ago. */
  readonly mustEnd: AbortSignal
  stop(): void
}

/** Time for a run to end by itself after a signal, before its statements are abandoned. */
const endMsMax = 8_000

/**
 * Bounds a run by `controller`: aborts it at the deadline, after which the next run resumes, and when the
 * run makes no progress. A run that was aborted by a signal must end within seconds, so that a publish
 * which takes longer is rolled back.
 */
export function limitRun(controller: AbortController, minutes: number): RunLimits {
  const { signal } = controller
  const deadline = setTimeout(() => {
    const text = `The run took longer than COSELL_RUN_DEADLINE_MINUTES (${minutes}). What it read is kept; run again.`
    controller.abort(new CosellError('run.deadline', text))
  }, minutes * 60_000)
  const { stalled, stop } = startWatchdog()
  stalled.addEventListener('abort', () => controller.abort(stalled.reason))
  const overdue = new AbortController()
  const onAbort = () => {
    // Schedulers kill what they have stopped, some after 30 seconds; a deadline leaves time to publish.
    if (!isSignal(signal.reason)) return
    setTimeout(() => overdue.abort(signal.reason), endMsMax).unref()
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    deadlineAt: performance.now() + minutes * 60_000,
    mustEnd: AbortSignal.any([stalled, overdue.signal]),
    stop: () => {
      signal.removeEventListener('abort', onAbort)
      clearTimeout(deadline)
      stop()
    },
  }
}

/** Waits for a last step of a run, which may fail or hang with its cause; false when it did. */
export async function tryLastStep(step: () => Promise<unknown>): Promise<boolean> {
  const isOver = new AbortController()
  const late = sleep(lastStepMsMax, false, { signal: isOver.signal }).catch(() => false)
  const done = step().then(
    () => true,
    () => false,
  )
  return Promise.race([done, late]).finally(() => isOver.abort())
}
