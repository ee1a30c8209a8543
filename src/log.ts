import { pino } from 'pino'
import { advance, type Pace, progressLine, type Step } from './terminal/progress.ts'
import { readableEvent } from './terminal/readable-event.ts'
import { plain, type Style, textColumns } from './terminal/terminal-text.ts'

export type Logger = pino.Logger

/** Destination of log lines: standard error, or a list in tests. */
export interface LogTarget {
  /** Writes text, and calls `onLost` when that fails, at once or later. */
  write(text: string, onLost?: () => void): unknown
  readonly isTerminal: boolean
  /** Whether a terminal takes control sequences, without which it has no progress line. */
  readonly takesControls?: boolean
  /** Colours of a terminal. */
  readonly style?: Style
  /** Present width of a terminal. */
  columns?(): number | undefined
}

export interface Log {
  readonly logger: Logger
  readonly isTerminal: boolean
  /** Replaces the progress line of a terminal, whose time ticks; writes nothing elsewhere. */
  progress(step: Step): void
  /**
   * Returns the same log for a part of the work, which its progress names first, with `fields` on each
   * line. A terminal has them where the part has a name. Parts may be under way side by side.
   */
  within(part: string | undefined, fields?: Readonly<Record<string, string>>): Log
  /** Clears the progress of this part, and logs how many lines are missing when that was not possible yet. */
  end(): void
  /** Whether the log has this message as an error. */
  hasShown(message: string): boolean
  /** Lines that could not be written so far. */
  lostCount(): number
}

const clearLine = '\r\x1b[2K'
/** Beginning of an event of level error or fatal. */
const errorLine = /^\{"level":[56]0,/
const tickMs = 1_000
/** Fewer columns say nothing of a part; what does not fit is cut. */
const sharedColumnsMin = 24
/** Steps that follow one another closely are shown once: a terminal takes a while for each line. */
const showMsMin = 100

/**
 * Creates a logger that writes JSON lines. On a terminal it writes readable text, with a progress
 * line below it, and leaves out what only machines use.
 */
export function createLog(target: LogTarget, level?: 'silent'): Log {
  const shown = new Set<string>()
  const columnsOf = () => target.columns?.() || textColumns
  const progress = showProgress(target, columnsOf)
  const render = (line: string) => {
    if (errorLine.test(line)) shown.add(JSON.parse(line).msg)
    if (!target.isTerminal) return line
    const text = readableEvent(line, columnsOf(), target.style ?? plain)
    return progress.above(`${text}\n`)
  }
  const lines = countLost(target, render)
  const options = {
    level: level ?? (target.isTerminal ? 'info' : 'debug'),
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  const log: Omit<Log, 'progress' | 'within' | 'logger' | 'end'> = {
    isTerminal: target.isTerminal,
    hasShown: (message) => shown.has(message),
    lostCount: lines.lostCount,
  }
  const within = (parts: readonly string[], logger: Logger): Log => ({
    ...log,
    logger,
    progress: (step) => progress.show(step, parts),
    within: (part, fields) => {
      const isTold = fields !== undefined && (part !== undefined || !target.isTerminal)
      const own = part === undefined ? parts : [...parts, part]
      return within(own, isTold ? logger.child(fields) : logger)
    },
    end: () => {
      progress.clear(parts)
      lines.reportGap()
    },
  })
  return within([], pino(options, lines))
}

/**
 * Keeps the last line of a terminal. Its clock ticks while a step takes long. Parts that are under way
 * side by side share it: the first part of each names it.
 */
function showProgress(target: LogTarget, columnsOf: () => number) {
  const isShown = target.isTerminal && target.takesControls !== false
  const shown = new Map<string, { readonly pace: Pace; readonly prefix: string }>()
  let drawnAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const line = () => {
    const now = performance.now()
    const width = columnsOf()
    const isShared = shown.size > 1
    const columns = isShared ? Math.max(sharedColumnsMin, Math.floor(width / shown.size)) : width
    const texts = [...shown.values()].map(({ pace, prefix }) => {
      const rest = Math.max(1, columns - prefix.length)
      return `${prefix}${progressLine(pace, now, rest)}`.slice(0, columns - 1)
    })
    return texts.join(isShared ? ' | ' : '').slice(0, width - 1)
  }
  const draw = () => {
    drawnAt = performance.now()
    target.write(clearLine + line())
  }
  return {
    show: (step: Step, parts: readonly string[]) => {
      if (!isShown) return
      const now = performance.now()
      const [key = ''] = parts
      // Steps of the whole command come before and after those of its parts.
      if (key !== '') shown.delete('')
      const before = shown.get(key)?.pace
      const isNew = before?.step.phase !== step.phase
      const prefix = parts.map((part) => `${part}: `).join('')
      shown.set(key, { pace: advance(before, step, now), prefix })
      timer ??= setInterval(draw, tickMs).unref()
      if (isNew || now - drawnAt >= showMsMin) draw()
    },
    /** Puts text above the progress line. */
    above: (text: string) => (isShown ? `${clearLine}${text}${line()}` : text),
    /** Ends the progress of a part; without one, of all. */
    clear: ([key]: readonly string[]) => {
      if (shown.size === 0) return
      if (key === undefined) shown.clear()
      else shown.delete(key)
      if (shown.size > 0) return draw()
      clearInterval(timer)
      timer = undefined
      target.write(clearLine)
    },
  }
}

/** Writes lines; the first one that arrives after a gap comes with the number that is missing. */
function countLost(target: LogTarget, render: (line: string) => string) {
  let lost = 0
  let unreported = 0
  const write = (line: string, own = 1) => {
    const gap = unreported
    const text = (gap === 0 ? '' : render(gapLine(gap))) + (own === 0 ? '' : render(line))
    unreported = 0
    target.write(text, () => {
      lost += own
      unreported += gap + own
    })
  }
  return {
    write: (line: string) => write(line),
    reportGap: () => {
      if (unreported > 0) write('', 0)
    },
    lostCount: () => lost,
  }
}

function gapLine(count: number): string {
  const msg = 'lines are missing here: the log could not be written'
  return `${JSON.stringify({ level: 40, time: new Date().toISOString(), lost_lines: count, msg })}\n`
}
