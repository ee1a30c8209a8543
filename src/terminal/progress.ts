/** Step of a command that a person may wait for. */
export interface Step {
  /** What is being done, such as `reading`. A new phase begins to count anew. */
  readonly phase: string
  /** Part that is under way, such as `page 7 of 20` or `step 4 of 25, dw.fact_referral`. */
  readonly part?: string | undefined
  /** How much is done, in `unit`. */
  readonly done?: number | undefined
  /** How much there is to do, where it is known; ignored once more is done. */
  readonly total?: number | undefined
  /** Plural noun of what is counted, such as `referrals`. */
  readonly unit?: string | undefined
}

/** Amount that was done at a time. */
interface Sample {
  readonly at: number
  readonly done: number
}

/** Phase under way: its latest step, its start, and what a rate needs. Times are milliseconds. */
export interface Pace {
  readonly step: Step
  readonly startedAt: number
  /** Samples of the last `rateMs`, at most one for each `sampleMs`, and one from before them. */
  readonly samples: readonly Sample[]
}

/** Span that a rate is taken over: long enough for pauses of a rate limit, and short enough to follow. */
const rateMs = 20_000
const sampleMs = 1_000
/** A rate of less time than this says little. */
const rateMsMin = 2_000

/** Returns the pace after a step; a step of another phase begins a new one. */
export function advance(pace: Pace | undefined, step: Step, now: number): Pace {
  const done = step.done ?? 0
  const before = pace?.samples.at(-1)
  const isNew = pace === undefined || pace.step.phase !== step.phase
  // What is done can only grow within a phase; a second attempt begins to count anew.
  if (isNew || before === undefined || done < (pace.step.done ?? 0)) {
    return { step, startedAt: now, samples: [{ at: now, done }] }
  }
  if (now - before.at < sampleMs) return { ...pace, step }
  const samples = [...pace.samples, { at: now, done }]
  while ((samples[1]?.at ?? now) <= now - rateMs) samples.shift()
  return { ...pace, step, samples }
}

/**
 * Returns the progress line: what is done, of how much, at what rate, and the time left; for a phase
 * without a count the time since its start. It is cut so that it never fills the last column, where
 * a terminal would wrap it.
 */
export function progressLine({ step, startedAt, samples }: Pace, now: number, columns: number) {
  const { phase, part, done, total, unit = '' } = step
  const elapsed = `${Math.floor((now - startedAt) / 1000)} s`
  const texts =
    done === undefined
      ? [part === undefined ? phase : `${phase}: ${part}`, elapsed]
      : [`${phase} ${part === undefined ? '' : `${part}, `}${amount(done, total, unit)}`]
  if (done !== undefined) {
    const rate = rateOf(samples, done, now)
    if (rate === undefined) texts.push(elapsed)
    else texts.push(`${formatRate(rate)} a second`, ...timeLeft(done, total, rate))
  }
  return cut(texts.join(', '), columns - 1)
}

function amount(done: number, total: number | undefined, unit: string): string {
  const of = isKnown(done, total) ? ` of ${total.toLocaleString('en-US')}` : ''
  return `${done.toLocaleString('en-US')}${of} ${unit}`.trimEnd()
}

/** A total that was exceeded was wrong; zero says nothing. */
function isKnown(done: number, total: number | undefined): total is number {
  return total !== undefined && total > 0 && done <= total
}

/** Units a second of the last samples; undefined while too little is known, or nothing moved. */
function rateOf(samples: readonly Sample[], done: number, now: number): number | undefined {
  const [first] = samples
  if (first === undefined || now - first.at < rateMsMin || done <= first.done) return undefined
  return (1000 * (done - first.done)) / (now - first.at)
}

function formatRate(rate: number): string {
  if (rate >= 10) return Math.round(rate).toLocaleString('en-US')
  return rate >= 0.1 ? rate.toFixed(1) : 'fewer than 0.1'
}

function timeLeft(done: number, total: number | undefined, rate: number): string[] {
  if (!isKnown(done, total) || done === total) return []
  const seconds = Math.ceil((total - done) / rate)
  return [`${formatDuration(seconds)} left`]
}

/** Formats whole seconds in at most two units, rounded up to the smaller one. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text
  return width < 1 ? '' : `${text.slice(0, width - 1)}…`
}
