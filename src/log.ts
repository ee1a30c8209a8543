import { pino } from 'pino'

export type Logger = pino.Logger

/** Destination of log lines: standard error, or a list in tests. */
export interface LogTarget {
  /** Writes text, and calls `onLost` when that fails, at once or later. */
  write(text: string, onLost?: () => void): unknown
  readonly isTerminal: boolean
}

export interface Log {
  readonly logger: Logger
  /** Replaces the progress line of a terminal; writes nothing elsewhere. */
  progress(text: string): void
  /** Clears the progress line, and logs how many lines are missing when that was not possible yet. */
  end(): void
  /** Lines that could not be written so far. */
  lostCount(): number
}

const clearLine = '\r\x1b[2K'

/**
 * Creates a logger that writes JSON lines. On a terminal it writes one readable line an event, with
 * a progress line below them.
 */
export function createLog(target: LogTarget, level: 'info' | 'debug' | 'silent' = 'info'): Log {
  let progressShown = ''
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const render = target.isTerminal
    ? (line: string) => `${clearLine}${readable(line)}\n${progressShown}`
    : (line: string) => line
  const lines = countLost(target, render)
  const logger = pino(options, lines)
  const show = (text: string) => {
    if (!target.isTerminal) return
    progressShown = text
    target.write(clearLine + text)
  }
  const end = () => {
    show('')
    lines.reportGap()
  }
  return { logger, progress: show, end, lostCount: lines.lostCount }
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

const omitted = new Set(['level', 'time', 'msg'])

function readable(line: string): string {
  const event: Record<string, unknown> = JSON.parse(line)
  const level = Number(event.level)
  const mark = level >= 50 ? 'error ' : level >= 40 ? 'warning ' : ''
  const fields = Object.entries(event)
    .filter(([name]) => !omitted.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  const text = `${String(event.time).slice(11, 19)} ${mark}${event.msg ?? ''} ${fields.join(' ')}`
  return withoutControls(text.trimEnd())
}

/** Replaces control characters, so that a payload cannot move the cursor or forge a line. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
}
