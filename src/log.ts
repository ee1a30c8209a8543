import { pino } from 'pino'

export type Logger = pino.Logger

/** Destination of log lines: standard error, or a list in tests. */
export interface LogTarget {
  write(text: string): unknown
  readonly isTerminal: boolean
}

export interface Log {
  readonly logger: Logger
  /** Replaces the progress line of a terminal; writes nothing elsewhere. */
  progress(text: string): void
  /** Clears the progress line. */
  end(): void
}

const clearLine = '\r\x1b[2K'

/**
 * Creates a logger that writes JSON lines. On a terminal it writes one readable line an event, with
 * a progress line below them.
 */
export function createLog(target: LogTarget, level: 'info' | 'debug' | 'silent' = 'info'): Log {
  let progressShown = ''
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (!target.isTerminal) {
    const logger = pino(options, { write: (line) => void target.write(line) })
    return { logger, progress: () => undefined, end: () => undefined }
  }
  const show = (text: string) => {
    progressShown = text
    target.write(clearLine + text)
  }
  const destination = {
    write: (line: string) => void target.write(`${clearLine}${readable(line)}\n${progressShown}`),
  }
  return { logger: pino(options, destination), progress: show, end: () => show('') }
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
