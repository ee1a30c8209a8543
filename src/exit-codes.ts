/** Exit codes of every command. A failure's kind decides which, and so what a scheduler may do. */
export const exitCodes = {
  done: { code: 0, meaning: 'done, also with a few referrals in quarantine (the summary says so)' },
  stale: {
    code: 1,
    meaning: 'not as expected: an old publish (cosell check), or rows that differ (--diff)',
  },
  usage: { code: 2, meaning: 'wrong usage' },
  incomplete: {
    code: 3,
    meaning: 'done, but cells or rows of imported files cannot be read (the summary says so)',
  },
  accountHeld: { code: 4, meaning: 'another run holds the account' },
  checkFailed: { code: 65, meaning: 'a data check failed, nothing was published' },
  sourceBroken: { code: 69, meaning: 'the API broke its contract' },
  bug: { code: 70, meaning: 'a fault of cosell' },
  resultLost: { code: 74, meaning: 'done, but standard output did not take the result' },
  tryAgainLater: { code: 75, meaning: 'try again later: throttled, database down, deadline' },
  signIn: { code: 77, meaning: 'sign-in needs a person' },
  configuration: { code: 78, meaning: 'wrong configuration' },
  hangup: { code: 129, meaning: 'hung up: the terminal was closed (SIGHUP)' },
  interrupted: { code: 130, meaning: 'interrupted (SIGINT)' },
  terminated: { code: 143, meaning: 'terminated (SIGTERM)' },
} as const

export type FailureKind = Exclude<keyof typeof exitCodes, 'done' | 'stale' | 'incomplete'>

/**
 * Every kind of failure, the gravest first: what ended the whole command, what takes a developer or a
 * person, then what may be well the next time.
 */
export const gravestFirst = [
  ...(['interrupted', 'terminated', 'hangup'] as const),
  ...(['bug', 'configuration', 'usage', 'signIn', 'sourceBroken', 'checkFailed'] as const),
  ...(['tryAgainLater', 'accountHeld', 'resultLost'] as const),
] satisfies readonly FailureKind[]
