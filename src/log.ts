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
  /** Returns the same log for a part of the work, which its progress names first. */
  within(part: string): Log
  /** Clears the progress line, and logs how many lines are missing when that was not possible yet. */
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
  const log: Omit<Log, 'progress' | 'within'> = {
    logger: pino(options, lines),
    isTerminal: target.isTerminal,
    end: () => {
      progress.clear()
      lines.reportGap()
    },
    hasShown: (message) => shown.has(message),
    lostCount: lines.lostCount,
  }
  const within = (parts: readonly string[]): Log => ({
    ...log,
    progress: (step) => progress.show(step, parts),
    within: (part) => within([...parts, part]),
  })
  return within([])
}

/** Keeps the last line of a terminal. Its clock ticks while a step takes long. */
function showProgress(target: LogTarget, columnsOf: () => number) {
  const isShown = target.isTerminal && target.takesControls !== false
  let pace: Pace | undefined
  let prefix = ''
  let drawnAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const line = () => {
    if (pace === undefined) return ''
    const columns = Math.max(1, columnsOf() - prefix.length)
    return `${prefix}${progressLine(pace, performance.now(), columns)}`.slice(0, columnsOf() - 1)
  }
  const draw = () => {
    drawnAt = performance.now()
    target.write(clearLine + line())
  }
  return {
    show: (step: Step, parts: readonly string[]) => {
      if (!isShown) return
      const now = performance.now()
      const isNew = pace?.step.phase !== step.phase
      pace = advance(pace, step, now)
      prefix = parts.map((part) => `${part}: `).join('')
      timer ??= setInterval(draw, tickMs).unref()
      if (isNew || now - drawnAt >= showMsMin) draw()
    },
    /** Puts text above the progress line. */
    above: (text: string) => (isShown ? `${clearLine}${text}${line()}` : text),
    clear: () => {
      if (pace === undefined) return
      pace = undefined
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
