import { request } from 'undici'
import { CosellError } from '../errors.ts'
import { openDispatcher } from '../extract/http/dispatcher.ts'
import type { NetworkVariables } from '../extract/http/proxy.ts'
import { requestFailureOf } from '../extract/http/request-failure.ts'
import { traceIo } from '../io-boundary.ts'
import type { Logger } from '../log.ts'

const tries = 3
const timeoutMs = 5_000

/** Where to report to, and the variables that choose a proxy. */
export interface PingTarget {
  readonly pingUrl?: string | undefined
  readonly network: NetworkVariables
}

/**
 * Reports the end of a run to a dead-man's switch: a POST of `body` as JSON to `pingUrl` after success,
 * to `pingUrl` + `/fail` after failure, and nothing without one. A monitor that does not answer leaves
 * the outcome of the run as it is and is logged as a warning. The log omits the address, which is a
 * secret.
 */
export async function ping(
  { pingUrl, network }: PingTarget,
  outcome: 'done' | 'failed',
  body: object,
  logger: Logger,
): Promise<void> {
  if (pingUrl === undefined) return
  const target = outcome === 'done' ? pingUrl : `${pingUrl.replace(/\/$/, '')}/fail`
  let got = ''
  for (let attempt = 1; attempt <= tries; attempt++) {
    try {
      const status = await traceIo('http', 'POST ping', () =>
        postJson({ address: target, network, body, timeoutMs }),
      )
      if (status < 400) return
      got = `status ${status}`
    } catch (error) {
      got = describe(error)
    }
  }
  logger.warn({ tries, got }, 'COSELL_PING_URL did not accept the request')
}

/** One event for a server that watches the runs. */
export interface Message {
  readonly address: string
  readonly network: NetworkVariables
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body: object
  readonly timeoutMs: number
}

/** Sends a body as JSON to the address, once; returns the status of the answer. */
export async function postJson(message: Message): Promise<number> {
  const { address, network, headers, body, timeoutMs } = message
  const dispatcher = openDispatcher(new URL(address), {
    connections: 1,
    connectMs: timeoutMs,
    headersMs: timeoutMs,
    bodyIdleMs: timeoutMs,
    network,
  })
  try {
    const answer = await request(address, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer.body.dump()
    return answer.statusCode
  } finally {
    await dispatcher.destroy()
  }
}

/** What came instead of an answer. The proxy is named, the address and its own messages are not. */
function describe(error: unknown): string {
  if (error instanceof CosellError) return error.message
  const failure = requestFailureOf(error)
  if (failure === null) return 'no answer in time'
  const proxy = failure.proxyError?.proxy
  return proxy === undefined ? failure.got : `${failure.got} from the proxy ${proxy.name}`
}
