import { CommanderError } from 'commander'
import { CosellError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { createLog } from '../log.ts'

export interface JsonFlag {
  readonly json?: true
}

export const log = createLog({
  isTerminal: process.stderr.isTTY === true,
  write: (text) => process.stderr.write(text),
})

/** Ends the command at its next safe point; a second signal ends it at once. */
export const abortController = new AbortController()

/** Prints a notice for the person at the terminal, neither a result nor a log event. */
export function printNotice(text: string) {
  process.stderr.write(`${text}\n`)
}

/** Prints the result as text or, with `--json`, as one line of JSON. */
export function printResult(json: true | undefined, result: object, text: () => string) {
  log.end()
  process.stdout.write(`${json ? JSON.stringify(result) : text()}\n`)
}

/** Prints a failure, the only place that does, and returns the exit code. */
export function printFailure(error: unknown, isJson: boolean): number {
  log.end()
  // Commander has printed its own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code
  const failure = toFailure(error)
  process.stderr.write(`cosell: ${failure.message}\n`)
  if (isJson) {
    const { code, message, exitCode } = failure
    process.stdout.write(
      `${JSON.stringify({ status: 'failed', code, message, exit_code: exitCode })}\n`,
    )
  }
  return failure.exitCode
}

/** Returns the error itself, or the failure `bug` with its stack when it was not expected. */
export function toFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const text = `Unexpected: ${error instanceof Error ? error.stack : error}`
  return new CosellError('unexpected', text, { cause: error })
}
