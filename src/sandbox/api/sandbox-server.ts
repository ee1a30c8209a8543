import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import type { ChangeKind } from '../population/change.ts'
import { Simulation } from '../population/simulation.ts'
import { Random } from '../random.ts'
import type { Referral } from '../referral.ts'
import { defaultOptions, type SandboxOptions } from './options.ts'
import { ErrorReply, errorReply, send } from './reply.ts'
import { type AnsweredRequest, answer, type Service } from './routes.ts'
import { SignIn } from './sign-in.ts'
import { Throttle } from './throttle.ts'

export type { ChangeKind } from '../population/change.ts'
export type { SandboxOptions } from './options.ts'

/** A running sandbox. */
export interface Sandbox {
  /** `http://127.0.0.1:port`, for use as API and as authority. */
  readonly url: string
  readonly port: number
  /** Requests answered so far, oldest first. */
  readonly requests: readonly AnsweredRequest[]
  /**
   * Lets a day pass in which `count` referrals change; returns their ids in the order of the
   * changes. With `kind` only that happens: `silent` decides a review, `silentRevoke` takes an approval
   * back, and both leave `updatedDateTime` as it was.
   */
  change(count: number, kind?: ChangeKind): string[]
  /** Lets a day pass in which `count` new referrals come in; returns their ids. */
  arrive(count: number): string[]
  /** Lets a day pass in which so many or the named referrals become invisible; returns their ids. */
  vanish(which: number | readonly string[]): string[]
  /**
   * Lets a day pass in which all referrals that `vanish` hid become visible again, as they were;
   * returns their ids.
   */
  reappear(): string[]
  /**
   * Lets a day pass in which `count` referrals become visible whose `updatedDateTime` is old;
   * returns their ids.
   */
  appear(count: number): string[]
  /** Lets another user sign in with the same refresh token, from the next access token on. */
  signInAs(principal: string): void
  /** The current population, as copies. */
  referrals(): Referral[]
  /** The sandbox's own time, which moves only with the five calls above. */
  now(): string
  /** Stops listening and drops open connections. */
  close(): Promise<void>
}

/**
 * Serves a simulated Referrals API, with its token endpoint, on 127.0.0.1: the population of
 * `seed`, and the live API's unknown behaviours as `options` say. Besides the API:
 * `POST /sandbox/change?count=N[&kind=K]`, `POST /sandbox/arrive?count=N`,
 * `POST /sandbox/vanish?count=N`, `POST /sandbox/reappear`, `POST /sandbox/appear?count=N` and
 * `GET /sandbox/state`, which need no token. `onInvented` is called with the number of referrals while
 * the population grows.
 */
export async function startSandbox(
  given: Partial<SandboxOptions> = {},
  onInvented?: (referrals: number) => void,
): Promise<Sandbox> {
  const options = { ...defaultOptions, ...given }
  const { referrals, seed, broken } = options
  const simulation = await Simulation.create(referrals, seed, broken, onInvented)
  if (options.change > 0) simulation.change(options.change)
  const { requestsPerMinute, clock } = options
  const random = new Random(options.seed, 6)
  const service: Service = {
    options,
    simulation,
    random,
    signIn: new SignIn(options, random),
    throttle: requestsPerMinute === undefined ? null : new Throttle(requestsPerMinute, clock()),
    requests: [],
  }
  const server = createServer((request, response) => {
    respond(service, request, response).catch(() => response.destroy())
  })
  const port = await listen(server, options.port)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: service.requests,
    change: (count, kind) => simulation.change(count, kind),
    arrive: (count) => simulation.arrive(count),
    vanish: (which) => simulation.vanish(which),
    reappear: () => simulation.reappear(),
    appear: (count) => simulation.appear(count),
    signInAs: (principal) => service.signIn.setPrincipal(principal),
    referrals: () => simulation.referrals(),
    now: () => new Date(simulation.nowMs).toISOString(),
    close: () => close(server),
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portUnusable(port, error)))
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function portUnusable(port: number, cause: NodeJS.ErrnoException): CosellError {
  return new CosellError(
    'sandbox.port',
    `--port ${port}: expected a port of 127.0.0.1 that is free, got ${cause.code}. Give another one; ` +
      '0 takes a free one.',
    { cause },
  )
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function respond(service: Service, request: IncomingMessage, response: ServerResponse) {
  const reply = await answer(service, request).catch((error: unknown) => {
    if (error instanceof ErrorReply) return error.reply
    return errorReply(500, 'generalException', `The sandbox failed: ${error}`).reply
  })
  if (service.options.answerMs > 0) await sleep(service.options.answerMs)
  service.requests.push({
    method: request.method ?? '',
    url: request.url ?? '',
    status: reply.status,
  })
  response.setHeader('Request-ID', service.random.guid())
  response.setHeader('Date', new Date(service.options.clock()).toUTCString())
  const clientRequestId = request.headers['client-request-id']
  if (clientRequestId !== undefined) response.setHeader('client-request-id', clientRequestId)
  await send(request, response, reply)
}
