import { type ErrorCode, errorEntry } from './error-codes.ts'
import { exitCodes, type FailureKind } from './exit-codes.ts'

/**
 * A failure that a person can act on. The message says where, what was expected, what was got and
 * what to do. It never holds a secret or a person's data.
 */
export class CosellError extends Error {
  override readonly name = 'CosellError'
  constructor(
    /** Stable code for monitors; src/error-codes.ts lists all of them. */
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
  /** Decides the exit code and whether the run may be tried again. */
  get kind(): FailureKind {
    return errorEntry(this.code).kind
  }
  get exitCode(): number {
    return exitCodes[this.kind].code
  }
}

/** A failure beside which a part was done: the last line of `--json` has that result too. */
export class PartialFailure extends CosellError {
  constructor(
    readonly failure: CosellError,
    readonly result: object,
  ) {
    super(failure.code, failure.message, { cause: failure.cause })
  }
}

/** Whether something was aborted by a signal of the system, not by its deadline or a fault. */
export function isSignal(reason: unknown): reason is CosellError {
  return reason instanceof CosellError && reason.code.startsWith('signal.')
}
