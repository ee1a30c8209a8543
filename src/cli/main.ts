import { setFlagsFromString } from 'node:v8'
import { isStartedByNohup } from '../config.ts'
import type { CosellError } from '../errors.ts'
import { closeLostTerminals } from './outlet.ts'
import {
  abortController,
  exitCodeOf,
  finishOutput,
  log,
  printFailure,
  toFailure,
} from './output.ts'
import { createProgram } from './program.ts'
import { isHangupIgnoredByParent, listenToSignals } from './signals.ts'
import { logStrayOutput } from './stray-output.ts'

// V8's default lets garbage grow to several times the memory in use: a first run of 10,000 referrals
// took 191 MiB instead of 155. Less than this costs a first run more time than memory.
setFlagsFromString('--heap-growing-percent=60')

/** Time for a run to free its lease after an error that nothing caught. */
const lastChanceMs = 30_000
const args = process.argv.slice(2)
const isJson = args.includes('--json')
const { signal } = abortController

/** The first error that nothing caught. */
let fault: CosellError | undefined
/** Nothing is left but to write the output. */
let isAnswered = false
let isOver = false

async function main(): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    if (fault !== undefined) return printFailure(fault, isJson)
    return exitCodeOf(signal)
  } catch (error) {
    return printFailure(fault ?? error, isJson)
  }
}

/** Ends the command as a signal does, since a lease may be held; a run that cannot end is cut off. */
function endAsFault(error: unknown) {
  const failure = toFailure(error)
  const isLate = isOver || fault !== undefined
  // The command ends with the message of its first fault.
  log.logger.fatal({ code: failure.code }, isLate ? failure.message : 'unexpected error')
  if (isOver) process.exitCode = failure.exitCode
  if (isLate) return
  fault = failure
  abortController.abort(failure)
  setTimeout(() => cutOff(failure), lastChanceMs).unref()
}

/** A transaction that is open is rolled back by the server, and a lease lapses. */
async function cutOff(failure: CosellError) {
  if (isAnswered) return
  isAnswered = true
  process.exit(await finishOutput(printFailure(failure, isJson)))
}

closeLostTerminals()
logStrayOutput(log.logger)
listenToSignals(
  abortController,
  { exit: process.exit, cutOff },
  isStartedByNohup() || isHangupIgnoredByParent(),
)
process.on('uncaughtException', endAsFault)
// Node.js would end with code 13, and a text that no log has.
process.on('beforeExit', () => {
  if (isOver) return
  const failure =
    fault ?? toFailure(new Error('the command waits for something that cannot come any more'))
  abortController.abort(failure)
  void cutOff(failure)
})
const code = await main()
isAnswered = true
const exitCode = await finishOutput(code)
isOver = true
process.exitCode = exitCode
// A socket left open by a library must not keep a finished command, and its cron job, alive. What hangs is
// often a collector, which may cost 2 seconds in all.
setTimeout(() => process.exit(), 250).unref()
