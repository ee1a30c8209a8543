import { readFileSync } from 'node:fs'
import { CosellError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'

/** Time for a command to end after a signal; the output that follows takes up to 6 seconds more. */
const endMsMax = 13_000

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, calls `cutOff` when the command has not ended in time,
 * and exits at the second. A terminal that is closed may send SIGHUP twice, from the kernel and from the
 * shell, so a second one changes nothing.
 */
export function listenToSignals(
  abortController: AbortController,
  { exit, cutOff }: { exit(code: number): void; cutOff(failure: CosellError): void },
  ignoresHangup: boolean,
) {
  for (const [name, kind] of [
    ['SIGHUP', 'hangup'],
    ['SIGINT', 'interrupted'],
    ['SIGTERM', 'terminated'],
  ] as const) {
    process.on(name, () => {
      const isHangup = name === 'SIGHUP'
      if (isHangup && ignoresHangup) return
      if (abortController.signal.aborted) {
        if (!isHangup) exit(exitCodes[kind].code)
        return
      }
      const text = `Stopped by ${name}. Nothing was published in part; the pages read so far are kept.`
      const failure = new CosellError(`signal.${kind}`, text)
      abortController.abort(failure)
      setTimeout(() => cutOff(failure), endMsMax).unref()
    })
  }
}

/**
 * Whether the parent process ignores SIGHUP, as a shell does under nohup or after `trap '' HUP`. What
 * this process was to ignore is not known: Node.js takes the default for every signal at its start.
 * Always false where there is no /proc.
 */
export function isHangupIgnoredByParent(): boolean {
  try {
    return ignoresHangup(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Reads the mask of ignored signals in /proc/PID/status; SIGHUP is its lowest bit. */
export function ignoresHangup(status: string): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (Number.parseInt(mask.slice(-1), 16) & 1) === 1
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
