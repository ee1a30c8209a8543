import { CommanderError } from 'commander'
import { CosellError, exitCodes } from '../errors.ts'
import { createLog } from '../log.ts'

export interface JsonFlag {
  readonly json?: true
}

export const log = createLog({
  isTerminal: process.stderr.isTTY === true,
  write: (text) => process.stderr.write(text),
})

/** Ends whatever is under way at the next safe point; a second signal ends it at once. */
export const interruption = new AbortController()

/** Tells a person at the terminal something that is neither a result nor a matter for the log. */
export function tell(text: string) {
  process.stderr.write(`${text}\n`)
}

/** The result: text for people, or its last line for machines. */
export function say(json: true | undefined, result: object, text: () => string) {
  log.end()
  process.stdout.write(`${json ? JSON.stringify(result) : text()}\n`)
}

/** Says what went wrong and returns the exit code. */
export function fail(error: unknown, isJson: boolean): number {
  log.end()
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
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

export function toFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const text = `Unexpected: ${error instanceof Error ? error.stack : error}`
  return new CosellError('bug', 'unexpected', text, { cause: error })
}
