import { request } from 'undici'
import { across } from '../io-boundary.ts'
import type { Logger } from '../log.ts'

const tries = 3
const timeoutMs = 5_000

/**
 * Tells a dead-man's switch how a run ended: a POST to `url` after success, to `url` + `/fail` after
 * failure, with `body` as JSON. A monitor that is down never changes how the run ended, so this
 * only warns, and without the address, which is a secret of its own.
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
      const isHeard = await across('http', 'POST ping', async () => {
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
      if (isHeard) return
    } catch {
      // Tried again, then warned about below.
    }
  }
  logger.warn({ tries }, 'COSELL_PING_URL did not answer')
}
