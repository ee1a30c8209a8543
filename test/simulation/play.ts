import { CosellError } from '../../src/errors.ts'
import type { Capabilities } from '../../src/extract/api/capabilities.ts'
import type { Page } from '../../src/extract/api/page.ts'
import { probe } from '../../src/extract/api/probe.ts'
import type { ReferralsApi } from '../../src/extract/api/referrals-api.ts'
import { planRead } from '../../src/extract/incremental/read-plan.ts'
import {
  nextSample,
  planReviews,
  type ReviewPlan,
} from '../../src/extract/incremental/review-plan.ts'
import { advanceWatermark } from '../../src/extract/incremental/watermark.ts'
import { readAll } from '../../src/extract/paging/read-all.ts'
import { readById } from '../../src/extract/paging/read-by-id.ts'
import { readByStatus } from '../../src/extract/paging/read-by-status.ts'
import { readChangedSince } from '../../src/extract/paging/read-changed.ts'
import { readWindow, type Window } from '../../src/extract/paging/read-window.ts'
import { dayMs, sortKey } from '../../src/sandbox/instants.ts'
import { Random } from '../../src/sandbox/random.ts'
import { ModelWarehouse } from './model-warehouse.ts'
import type { WorldOptions } from './options.ts'
import { simulatedApi } from './simulated-api.ts'
import { MutatingSource, overlapHours } from './source.ts'

/** Reading functions under test; a self-check replaces them by worse ones. */
export interface Readers {
  all(api: ReferralsApi, capabilities: Capabilities): AsyncIterable<Page>
  changedSince(api: ReferralsApi, since: string, capabilities: Capabilities): AsyncIterable<Page>
}

export const realReaders: Readers = { all: readAll, changedSince: readChangedSince }

export interface Miss {
  readonly night: number
  readonly during: string
  readonly what: string
}

export interface Outcome {
  readonly options: WorldOptions
  readonly nights: number
  readonly requests: number
  readonly rows: number
  /** Number of rows that a read was obliged to land. */
  readonly owed: number
  /** Owed rows that changed again during the incremental read; the next night brings them. */
  readonly leftOver: number
  /** Runs that did not reach the end of the list; only a storm excuses them. */
  readonly failedRuns: number
  readonly misses: readonly Miss[]
  /** Findings of `probe` before anything changed. */
  readonly capabilities: Capabilities | null
  readonly happened: Readonly<Record<string, number>>
}

const fullReadDaysMax = 7

/** Plays the nights of a world and reports every miss. */
export async function play(options: WorldOptions, readers = realReaders): Promise<Outcome> {
  const world = new World(options, readers)
  try {
    await world.playNights()
  } catch (error) {
    world.miss('failed', error instanceof Error ? error.message : String(error))
  }
  return world.outcome()
}

class World {
  readonly #options: WorldOptions
  readonly #readers: Readers
  readonly #source: MutatingSource
  readonly #api: ReturnType<typeof simulatedApi>
  readonly #warehouse = new ModelWarehouse()
  readonly #random: Random
  readonly #misses: Miss[] = []
  #capabilities: Capabilities | null = null
  #night = 0
  #owed = 0
  #leftOver = 0
  #failedRuns = 0
  #lastSampled: string | null = null

  constructor(options: WorldOptions, readers: Readers) {
    this.#options = options
    this.#readers = readers
    this.#source = new MutatingSource(options)
    this.#api = simulatedApi(this.#source, options)
    this.#random = new Random(options.seed, 13)
  }

  outcome(): Outcome {
    return {
      options: this.#options,
      nights: this.#night,
      requests: this.#api.counts.requests,
      rows: this.#warehouse.rows,
      owed: this.#owed,
      leftOver: this.#leftOver,
      failedRuns: this.#failedRuns,
      misses: this.#misses,
      capabilities: this.#capabilities,
      happened: this.#source.happened,
    }
  }

  miss(during: string, what: string): void {
    this.#misses.push({ night: this.#night, during, what })
  }

  /** Plays nights of change, a quiet night, and two full reads if some rows need them. */
  async playNights(): Promise<void> {
    const source = this.#source
    source.isResting = true
    const capabilities = await probe(this.#api)
    this.#capabilities = capabilities
    source.isResting = false
    for (let night = 1; night <= this.#options.nights; night += 1) {
      await this.#run(capabilities, this.#random.chance(0.2))
      if (this.#options.strategy === 'windows') await this.#backfill(capabilities)
      // Mostly one day. Skipped nights can exceed the time between two full reads.
      const days = this.#random.weighted([
        [1, 8],
        [3, 1],
        [9, 1],
      ] as const)
      source.pass(24 * days + this.#random.between(-1, 1))
    }
    source.rest()
    await this.#run(capabilities, false)
    // A sample in turn takes so many nights; all that is due takes one.
    const { sampleCount } = this.#options
    this.#warehouse.begin()
    const due = this.#warehouse.open().length
    const nights = sampleCount ? Math.ceil(due / sampleCount) : 0
    for (let night = 0; night < nights; night += 1) await this.#run(capabilities, false)
    const visible = source.contents()
    let isLeftToFullRead = false
    for (const [id, difference] of this.#warehouse.differences(visible)) {
      if (!visible.has(id) || source.onlyByFullRead.has(id)) isLeftToFullRead = true
      else this.miss('after the quiet night', `${id}: ${difference}`)
    }
    if (isLeftToFullRead) {
      await this.#run(capabilities, true)
      await this.#run(capabilities, true)
    }
    for (const [id, difference] of this.#warehouse.differences(visible))
      this.miss('in the end', `${id}: ${difference}`)
  }

  async #run(capabilities: Capabilities, full: boolean): Promise<void> {
    const source = this.#source
    const warehouse = this.#warehouse
    this.#night += 1
    const now = new Date(source.nowMs + this.#options.skewMs)
    const { watermark, lastFullReadAt } = warehouse
    const planned = planRead({
      watermark,
      lastFullReadAt,
      full,
      now,
      fullReadDaysMax,
      overlapHours,
    })
    const reviews = planned.since === null ? null : this.#planReviews(capabilities, planned.since)
    const { mode, since } =
      reviews?.way === 'everything' ? ({ mode: 'full', since: null } as const) : planned
    const startMs = source.nowMs
    const owed = this.#snapshot((_created, updated) => since === null || updated >= sortKey(since))
    warehouse.begin()
    const pages =
      since === null
        ? this.#readers.all(this.#api, capabilities)
        : this.#readers.changedSince(this.#api, since, capabilities)
    if (!(await this.#land(pages))) return
    this.#check(mode, owed)
    if (mode === 'incremental' && reviews !== null) await this.#readReviews(capabilities, reviews)
    warehouse.sight(mode === 'full')
    warehouse.watermark = advanceWatermark(watermark, warehouse.latest, now.toISOString())
    if (mode !== 'full') return
    warehouse.lastFullReadAt = now.toISOString()
    for (const [id, atMs] of source.onlyByFullRead)
      if (atMs <= startMs) source.onlyByFullRead.delete(id)
  }

  #planReviews(capabilities: Capabilities, since: string): ReviewPlan {
    const { pageSize, sampleCount } = this.#options
    return planReviews({
      ...this.#warehouse.counts(since),
      capabilities,
      pageRows: Math.min(pageSize, capabilities.pageCap ?? pageSize),
      movesDate: sampleCount !== undefined,
      sampleCount: sampleCount ?? 0,
    })
  }

  async #readReviews(capabilities: Capabilities, plan: ReviewPlan): Promise<void> {
    const warehouse = this.#warehouse
    for (const status of plan.way === 'all due' ? plan.listed : []) {
      for await (const page of readByStatus(this.#api, capabilities, status))
        warehouse.land(page.referrals, page.fetchedAt)
    }
    const open = warehouse.open()
    const ids = plan.way === 'sample' ? nextSample(open, this.#lastSampled, plan.count) : open
    this.#lastSampled = ids.at(-1) ?? this.#lastSampled
    for await (const { referral, fetchedAt } of readById(this.#api, ids, 3))
      if (referral !== null) warehouse.land([referral], fetchedAt)
  }

  /** Reads the whole history in windows: in any order, overlapping, stopped and resumed. */
  async #backfill(capabilities: Capabilities): Promise<void> {
    const days = [...Array(5)].map(() => this.#random.integer(0, 310)).sort((a, b) => a - b)
    const edges = [0, ...days, 310].map((day) => this.#source.nowMs - (310 - day) * dayMs)
    const windows = edges.slice(1).map((to, index) => ({
      from: new Date((edges[index] ?? to) - this.#random.pick([0, 0, dayMs])).toISOString(),
      to: new Date(to).toISOString(),
    }))
    for (const window of this.#random.sample(windows, windows.length)) {
      const [from, to] = [sortKey(window.from), sortKey(window.to)]
      const owed = this.#snapshot((created) => created >= from && created <= to)
      this.#warehouse.begin()
      if (!(await this.#land(this.#windowPages(window, capabilities)))) continue
      this.#check('backfill', owed)
      this.#warehouse.sight(false)
    }
  }

  /** Yields the pages of a window; now and then stops and resumes at the last page. */
  async *#windowPages(window: Window, capabilities: Capabilities): AsyncGenerator<Page> {
    let resumeAt: string | null = null
    do {
      let pagesLeft = this.#random.chance(0.5) ? this.#random.integer(1, 3) : Infinity
      const from: string | null = resumeAt
      resumeAt = null
      for await (const page of readWindow(this.#api, capabilities, window, from)) {
        yield page
        pagesLeft -= 1
        if (pagesLeft > 0) continue
        resumeAt = page.resumeAt
        break
      }
    } while (resumeAt !== null)
  }

  /** Returns whether the read was complete. In a storm it may fail; landed rows stay. */
  async #land(pages: AsyncIterable<Page>): Promise<boolean> {
    try {
      for await (const page of pages) this.#warehouse.land(page.referrals, page.fetchedAt)
      return true
    } catch (error) {
      if (!this.#isStorm() || !(error instanceof CosellError)) throw error
      this.#failedRuns += 1
      return false
    }
  }

  #isStorm(): boolean {
    return this.#options.rate === 'storm' && !this.#source.isResting
  }

  /** Versions of the referrals that the next read owes, by id. */
  #snapshot(isOwed: (created: string, updated: string) => boolean): Map<string, number> {
    const owed = new Map<string, number>()
    for (const entry of this.#source.store.entries()) {
      if (isOwed(entry.createdDateTime, entry.updatedDateTime))
        owed.set(entry.id, Number(this.#source.read(entry).name))
    }
    this.#source.mark()
    return owed
  }

  #check(during: string, owed: ReadonlyMap<string, number>): void {
    for (const [id, version] of owed) {
      if (this.#source.wasHidden(id)) continue
      const isExcused = this.#source.wasMovedBack(id) || this.#isStorm()
      if (during === 'incremental' && isExcused) continue
      this.#owed += 1
      const seen = this.#warehouse.seen.get(id)
      const isNewer = seen !== undefined && seen >= version
      if (isNewer) continue
      const now = this.#source.store.get(id)
      const hasMoved = now !== undefined && Number(this.#source.read(now).name) > version
      if (during === 'incremental' && hasMoved) this.#leftOver += 1
      else if (seen === undefined) this.miss(during, `${id} was not read`)
      else this.miss(during, `${id}: an older version was read`)
    }
  }
}
