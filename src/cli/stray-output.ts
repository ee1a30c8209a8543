import { Console } from 'node:console'
import { Writable } from 'node:stream'
import type { Logger } from '../log.ts'

/**
 * Logs what would stand beside the log: warnings of Node.js and of libraries, which Node.js prints as
 * text, and whatever a library prints with `console`, which could even follow the result.
 */
export function logStrayOutput(logger: Logger) {
  // The listener of Node.js prints. Warnings wait for the end of the code that emits them, so those
  // of modules that are loaded before this call come here as well.
  process.removeAllListeners('warning')
  process.on('warning', (warning: Error & { code?: string }) => {
    logger.warn({ warning: warning.code ?? warning.name }, warning.message)
  })
  const stdout = linesTo((text) => logger.info({ from: 'console' }, text))
  const stderr = linesTo((text) => logger.warn({ from: 'console' }, text))
  globalThis.console = new Console({ stdout, stderr })
}

function linesTo(log: (text: string) => void): Writable {
  return new Writable({
    write(chunk, _, done) {
      log(String(chunk).trimEnd())
      done()
    },
  })
}
