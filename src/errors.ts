/** Exit codes of every command; `cosell --help` prints the same table. */
export const exitCodes = {
  done: 0,
  usage: 2,
  accountHeld: 4,
  checkFailed: 65,
  sourceBroken: 69,
  bug: 70,
  tryAgainLater: 75,
  signIn: 77,
  configuration: 78,
  interrupted: 130,
  terminated: 143,
} as const

export type FailureKind = Exclude<keyof typeof exitCodes, 'done'>

/**
 * A failure that a person can act on. `kind` decides the exit code and whether the run may be
 * tried again; the message says where, what was expected, what was got and what to do, and never
 * holds a secret or a person's data.
 */
export class CosellError extends Error {
  override readonly name = 'CosellError'
  constructor(
    readonly kind: FailureKind,
    /** Stable, lower-case, dotted: what monitors match on, for example `auth.invalid_grant`. */
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
  get exitCode(): number {
    return exitCodes[this.kind]
  }
}
