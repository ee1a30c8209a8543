import { CommanderError } from 'commander'
import { processVariables } from '../config.ts'
import { CosellError, isSignal, PartialFailure } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { createLog } from '../log.ts'
import {
  type Style,
  styleOf,
  takesControls,
  textColumns,
  wrapWords,
} from '../terminal/terminal-text.ts'
import { runnable } from './invocation.ts'
import { openOutlet } from './outlet.ts'
import { atSources } from './source-places.ts'

export interface JsonFlag {
  readonly json?: true
}

/** A few thousand lines of log wait for a slow reader; further ones are counted and dropped. */
const logWaitingMax = 2 ** 20
/** Longest wait for the reader of a result, such as a pager that a person left open. */
const resultMsMax = 15 * 60_000
/** Longest wait for the reader of the log, and for that of a result after a signal. */
const lastMsMax = 2_000

const standardOutput = openOutlet('stdout', Number.POSITIVE_INFINITY)
const standardError = openOutlet('stderr', logWaitingMax)

const variables = processVariables()
const errorStyle = styleOf(standardError.isTerminal, variables)
const resultStyle = styleOf(standardOutput.isTerminal, variables)

export const log = createLog({
  // Off a terminal the log is for machines.
  write: standardError.isTerminal
    ? (text, done) => standardError.write(runnable(text), done)
    : standardError.write,
  isTerminal: standardError.isTerminal,
  takesControls: takesControls(standardError.isTerminal, variables),
  style: errorStyle,
  columns: standardError.columns,
})

/** Ends the command at its next safe point; a second signal ends it at once. */
export const abortController = new AbortController()

/** Why standard output did not take the result, or a part of it. */
let resultLoss: Error | undefined

/** Prints a notice for the person at the terminal, neither a result nor a log event. */
export function printNotice(text: string) {
  log.end()
  standardError.write(`${text}\n`)
}

/** Draws a result, with the emphasis that standard output shows. */
type Text = (style: Style) => string

/** Prints the result of a command that changed something, as text or as one line of JSON. */
export function printResult(json: true | undefined, result: object, text: Text) {
  writeResult(toText(json, result, text), () => false)
}

/**
 * Prints what a command found that changed nothing. A reader that leaves early, as `head` does, has
 * what it wanted.
 */
export function printAnswer(json: true | undefined, result: object, text: Text) {
  writeResult(toText(json, result, text), isReaderGone)
}

/** `printAnswer` of data that are no sentences of ours: nothing in them is a command to be spelt out. */
export function printData(text: Text) {
  log.end()
  writeResult(`${text(resultStyle)}\n`, isReaderGone)
}

/** Where commander writes help, version and complaints. */
export const commanderOutput = {
  writeOut: (text: string) => writeResult(text, isReaderGone),
  writeErr: (text: string) => standardError.write(text),
}

function toText(json: true | undefined, result: object, text: Text): string {
  log.end()
  if (!json) return `${runnable(text(resultStyle))}\n`
  const lost = log.lostCount()
  return `${JSON.stringify(lost === 0 ? result : { ...result, log_lines_lost: lost })}\n`
}

function writeResult(text: string, isNoLoss: (reason: Error) => boolean) {
  standardOutput.write(text, (reason) => {
    if (!isNoLoss(reason)) resultLoss ??= reason
  })
}

function isReaderGone(reason: Error): boolean {
  return 'code' in reason && reason.code === 'EPIPE'
}

/**
 * Exit code of a command that threw nothing. After a signal or its deadline it is that of the reason,
 * unless the command has said that it is done all the same.
 */
export function exitCodeOf(signal: AbortSignal): number {
  const said = process.exitCode
  const isDone = said === exitCodes.done.code && !isSignal(signal.reason)
  if (signal.aborted && signal.reason instanceof CosellError && !isDone) {
    return signal.reason.exitCode
  }
  return Number(said ?? exitCodes.done.code)
}

/** Prints a failure, the only place that does, and returns the exit code. */
export function printFailure(error: unknown, isJson: boolean): number {
  log.end()
  // Commander has printed its own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code
  const { code, message, exitCode } = toFailure(error)
  const done = error instanceof PartialFailure ? error.result : {}
  standardError.write(`${runnable(failureText(message, exitCode))}\n`)
  const result = { status: 'failed', code, message, exit_code: exitCode, ...done }
  if (isJson) printAnswer(true, result, () => message)
  return exitCode
}

/**
 * Returns the last line of a command that failed: its message, unless the log above has it. A terminal
 * gets colour, and lines that break between words.
 */
function failureText(message: string, exitCode: number): string {
  const text = log.hasShown(message)
    ? `cosell: ended with ${exitCode}; the error is above.`
    : `cosell: ${message}`
  if (!log.isTerminal) return text
  const columns = standardError.columns() || textColumns
  const lines = text.split('\n').map((line) => wrapWords(line, columns))
  return lines.join('\n').replace(/^cosell:/, (name) => errorStyle('error', name))
}

/** Returns the error itself, or the failure `bug` with its stack when it was not expected. */
export function toFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const text = `Unexpected: ${error instanceof Error ? atSources(error.stack ?? error.message) : error}`
  return new CosellError('unexpected', text, { cause: error })
}

/**
 * Waits until result and log are written, or given up, and returns the exit code: that of the command,
 * or 74 for a result that was lost. Node.js would cut off what a pipe has not taken yet.
 */
export async function finishOutput(exitCode: number): Promise<number> {
  const { signal } = abortController
  const wasAborted = signal.aborted
  const isTaken = await isSettled(standardOutput.settled(), wasAborted ? lastMsMax : resultMsMax)
  if (!isTaken) resultLoss ??= new Error('its reader takes nothing')
  let code = exitCode
  if (code === exitCodes.done.code && resultLoss !== undefined) {
    code = !wasAborted && signal.aborted ? toFailure(signal.reason).exitCode : printLoss(resultLoss)
  }
  // A reader that takes the log again is first given what waits, then what is missing.
  for (let round = 0; round < 2; round += 1) {
    await isSettled(standardError.settled(), lastMsMax)
    log.end()
  }
  return code
}

function printLoss(reason: Error): number {
  const text =
    `Standard output: expected it to take the result, got an error (${reason.message}). ` +
    'The work is done and need not be repeated. Give standard output room, or another place.'
  return printFailure(new CosellError('output.not_written', text), false)
}

/** Waits for the end of output; false when that takes too long, or a signal comes first. */
function isSettled(end: Promise<void>, msMax: number): Promise<boolean> {
  const { signal } = abortController
  return new Promise((resolve) => {
    const finish = (isTaken: boolean) => {
      clearTimeout(late)
      signal.removeEventListener('abort', stop)
      resolve(isTaken)
    }
    const stop = () => finish(false)
    const late = setTimeout(stop, msMax)
    if (!signal.aborted) signal.addEventListener('abort', stop, { once: true })
    end.then(() => finish(true))
  })
}
