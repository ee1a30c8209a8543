import { PassThrough } from 'node:stream'
import { type EarlyLoad, earlyInitialLoad } from '../load/initial/initial-load.ts'
import { isAnythingLanded } from '../load/landing/landed-pages.ts'
import type { LandedResource } from '../load/landing/read-landed.ts'
import type { LoadEnd } from '../load/publish/publish-task.ts'
import type { OnLanded } from './land-pages.ts'
import type { Run } from './run-context.ts'
import { loadTask } from './transform-and-publish.ts'

/** An early load and the way into it. */
export interface EarlyLoading extends EarlyLoad {
  readonly onLanded: OnLanded
  /** Says that everything has landed. */
  end(end: LoadEnd): void
  /** Ends the load without a publish, unless it is over; resolves when its transaction is. */
  abandon(): Promise<void>
}

/** Milliseconds after which an early load gives up. */
interface Limits {
  /**
   * An open transaction keeps the server from removing dead rows, in every table. What takes longer
   * waits for the API most of that time, and has little to gain.
   */
  readonly openMsMax: number
  /**
   * For the next page, or for PostgreSQL to take one. Half of the time after which the server ends a
   * transaction of which it hears nothing.
   */
  readonly waitMsMax: number
}

const defaultLimits: Limits = { openMsMax: 5 * 60_000, waitMsMax: 30_000 }

/**
 * Begins to transform and to copy the first referrals of an account while they are read: a page is
 * transformed while the next one is waited for, and nothing is read back from the landing zone. It is
 * a short cut alone. A referral that changes between two pages, a source that makes the load wait, a
 * lost connection or a row that PostgreSQL rejects end it, and what was landed is loaded as in any other
 * run. Returns undefined where the short cut does not lead to the same star.
 */
export async function startEarlyLoad(
  run: Run,
  { openMsMax, waitMsMax }: Limits = defaultLimits,
): Promise<EarlyLoading | undefined> {
  const { warehouse, lease, reference } = run
  // Policies are fetched after the last page.
  if (reference.settings.eligibilityTemplate !== null) return undefined
  if (await isAnythingLanded(warehouse.query, lease.partnerAccountKey)) return undefined
  let known: LoadEnd | undefined
  const atEnd = () => {
    if (known === undefined) throw new Error('the end of an early load is not known yet')
    return known
  }
  const pages = new PassThrough({ objectMode: true, highWaterMark: 1 })
  const task = loadTask(run, { scope: 'unpublished', atEnd, source: () => referralsOf(pages) })
  const load = await earlyInitialLoad(run, task)
  if (load === undefined) return undefined
  const giveUp = (why: string) => void pages.destroy(new Error(why))
  // Errors are thrown where pages are read; nobody may be reading.
  pages.on('error', () => undefined)
  load.published.catch(() => undefined).finally(() => giveUp('the load is over'))
  const openUntil = performance.now() + openMsMax
  const waiting = setTimeout(() => giveUp('a page does not come, or is not taken'), waitMsMax)
  waiting.unref()
  const closed = next(pages, 'close')
  pages.once('close', () => clearTimeout(waiting))
  return {
    ...load,
    onLanded: async (landed) => {
      // What sends nothing to PostgreSQL must not keep the load open.
      if (pages.destroyed || landed.length === 0) return
      waiting.refresh()
      if (performance.now() > openUntil) giveUp('the read takes long')
      else if (landed.some(isChanged)) giveUp('a referral changed meanwhile')
      else if (!pages.write(landed)) await Promise.race([next(pages, 'drain'), closed])
    },
    end: (end) => {
      known = end
      clearTimeout(waiting)
      if (!pages.destroyed) pages.end()
    },
    abandon: async () => {
      giveUp('the run has failed')
      await load.published.catch(() => undefined)
    },
  }
}

/** Unlike `once` of Node.js, it does not reject when the load is given up meanwhile. */
function next(pages: PassThrough, event: 'drain' | 'close'): Promise<void> {
  return new Promise((resolve) => void pages.once(event, resolve))
}

/** The version before was copied already. */
function isChanged({ versions }: LandedResource): boolean {
  return versions.some((version) => version.version_no > 1)
}

async function* referralsOf(pages: AsyncIterable<readonly LandedResource[]>) {
  for await (const page of pages) yield* page
}
