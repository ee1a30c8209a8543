import { CosellError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'

/** Aborts at the first SIGINT or SIGTERM, and exits at the second. */
export function listenToSignals(abortController: AbortController, exit: (code: number) => void) {
  for (const [name, kind] of [
    ['SIGINT', 'interrupted'],
    ['SIGTERM', 'terminated'],
  ] as const) {
    process.on(name, () => {
      if (abortController.signal.aborted) return exit(exitCodes[kind].code)
      const text = `Stopped by ${name}. Nothing was published in part; the pages read so far are kept.`
      abortController.abort(new CosellError(`signal.${kind}`, text))
    })
  }
}

/** Resolves when the signal is aborted, and keeps Node.js running until then. */
export function untilAborted(signal: AbortSignal): Promise<void> {
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
