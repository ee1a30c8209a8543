import { CosellError, exitCodes } from '../errors.ts'

/** A first signal ends what is under way at the next safe point, a second one at once. */
export function listenToSignals(interruption: AbortController, exit: (code: number) => void) {
  for (const [name, kind] of [
    ['SIGINT', 'interrupted'],
    ['SIGTERM', 'terminated'],
  ] as const) {
    process.on(name, () => {
      if (interruption.signal.aborted) return exit(exitCodes[kind])
      const text = `${name}: stopped. Nothing half-done is visible; what was read is kept.`
      interruption.abort(new CosellError(kind, `signal.${kind}`, text))
    })
  }
}

/** Resolves when the signal is aborted, and keeps Node.js running until then. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    // A pending promise alone does not keep Node.js running; this timer does.
    const awake = setInterval(() => undefined, 60_000)
    const end = () => {
      clearInterval(awake)
      done()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
