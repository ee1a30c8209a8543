import { request } from 'undici'
import { traceIo } from '../io-boundary.ts'
import type { Logger } from '../log.ts'

const tries = 3
const timeoutMs = 5_000

/**
 * Reports the end of a run to a dead-man's switch: a POST of `body` as JSON to `url` after success,
 * to `url` + `/fail` after failure. A monitor that does not answer leaves the outcome of the run as
 * it is and is logged as a warning. The log omits the address, which is a secret.
 */
export async function ping(
  url: string,
  outcome: 'done' | 'failed',
  body: object,
  logger: Logger,
): Promise<void> {
  const target = outcome === 'done' ? url : `${url.replace(/\/$/, '')}/fail`
  for (let attempt = 1; attempt <= tries; attempt++) {
    try {
      const isAccepted = await traceIo('http', 'POST ping', async () => {
        const answer = await request(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: AbortSignal.timeout(timeoutMs),
        })
        await answer.body.dump()
        return answer.statusCode < 400
      })
      if (isAccepted) return
    } catch {
      // Retried, and logged below after the last attempt.
    }
  }
  logger.warn({ tries }, 'COSELL_PING_URL did not accept the request')
}
