import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Capabilities } from '../../../src/extract/api/capabilities.ts'
import type { ReferralsApi, ReferralsApiOptions } from '../../../src/extract/api/referrals-api.ts'
import type { Clock } from '../../../src/extract/clock.ts'
import { readAll } from '../../../src/extract/paging/read-all.ts'
import { readById } from '../../../src/extract/paging/read-by-id.ts'
import { defaultOptions, type SandboxOptions } from '../../../src/sandbox/api/options.ts'
import { ErrorReply, type Reply } from '../../../src/sandbox/api/reply.ts'
import { answer, type Service } from '../../../src/sandbox/api/routes.ts'
import { SignIn } from '../../../src/sandbox/api/sign-in.ts'
import { Simulation } from '../../../src/sandbox/population/simulation.ts'
import { Random } from '../../../src/sandbox/random.ts'
import { memoryStore, withApi } from '../../extract/support.ts'
import { createVirtualClock, type VirtualClock } from '../../extract/virtual-clock.ts'

/** Request of a run that gets the fault; `run` is every request to the API. */
export type Position = 'token' | 'first' | 'middle' | 'last' | 'single' | 'run'

/** Request, response and world that an injection works on. */
export interface FaultContext {
  request: IncomingMessage
  response: ServerResponse
  /** Answer of a healthy server, uncompressed. */
  healthy: { status: number; body: string }
  position: Position
  world: World
  /** Address of a server that must never be contacted. */
  elsewhere: string
  /** Number of this injection, from 1. */
  ordinal: number
}

export interface Fault {
  position: Position
  /** Largest number of injections; after them the server is healthy. */
  times: number
  /** Selects the requests at the position that get the fault; all by default. */
  when?: ((context: FaultContext) => boolean) | undefined
  inject: (context: FaultContext) => unknown
}

/** A sandbox of five pages that answers with injected faults. */
export interface World {
  url: string
  clock: VirtualClock
  /** Every referral by id, as JSON text. */
  source: ReadonlyMap<string, string>
  /** Number of injections so far. */
  fired: number
  /** Requests: in all, to the token endpoint, sent before a required wait ended, and per token. */
  seen: { all: number; token: number; tooEarly: number; byToken: Map<string, number> }
  /** Records a required wait: requests before its end count as too early. */
  requireWait(ms: number): void
  /** Error of the local wall clock. */
  wallOffsetMs: number
  /** Stops listening for good, or until the clock has slept twice for at least half a second. */
  stopListening(forGood: boolean): void
  /** Ends the fault and listens again. */
  heal(): Promise<void>
  /** Ids of every whole page that was answered, healthy or changed. */
  wholePages: Set<string>
  /** Expected text of the rows that a fault changed, by id. */
  altered: Map<string, string>
}

export interface Read {
  /** Every referral that was read, by id, as JSON text. */
  referrals: Map<string, string>
  /** Ids of each page. */
  pages: string[]
  gone: string[]
  error: Error | null
}

export const referralCount = 20
export const pageSize = 4
const simulation = new Simulation(referralCount, 3, 0)
const ordered = simulation.store.inOrder('createdDateTime').map((entry) => entry.id)
const source = new Map(
  [...simulation.store.entries()].map((entry) => [entry.id, entry.json.toString()]),
)
/** Paging by next links alone, the way in which most can go wrong. */
const byLinks: Capabilities = {
  createdFilter: null,
  updatedFilter: null,
  statusFilter: false,
  nextLink: true,
  skip: false,
  pageCap: pageSize,
  count: 'page',
}
/** Canonical text of every referral, by id. */
export const canonicalSource: ReadonlyMap<string, string> = new Map(
  [...source].map(([id, text]) => [id, canonical(JSON.parse(text))]),
)
/** Ids that are read one by one after the pages; the middle one gets the fault. */
export const singles = [1, 10, 18].map((index) => ordered[index] ?? '')
const [first = '', middle = '', last = ''] = [0, 9, referralCount - 1].map((at) => ordered[at])
const marks = { first, middle, last }

/** Serves the population with a fault while `use` runs. */
export async function withFault<T>(
  fault: Fault,
  sandbox: Partial<SandboxOptions>,
  use: (world: World, elsewhereConnections: () => number) => Promise<T>,
): Promise<T> {
  const elsewhere = await listen(createServer((_request, response) => response.end('{}')))
  let connections = 0
  elsewhere.server.on('connection', () => {
    connections += 1
  })
  const world = createWorld(source)
  const service = serviceOf(world, sandbox)
  const server = createServer((request, response) => {
    respond(service, fault, { request, response, world, elsewhere: elsewhere.host }).catch(() =>
      response.destroy(),
    )
  })
  const home = await listen(server)
  world.url = home.url
  world.stopListening = (forGood) => {
    server.close()
    server.closeAllConnections()
    if (!forGood) world.clock.afterSleeps(2, () => listen(server, home.port))
  }
  world.heal = async () => {
    fault.times = 0
    if (!server.listening) await listen(server, home.port)
  }
  try {
    return await use(world, () => connections)
  } finally {
    await Promise.all([server, elsewhere.server].map(close))
  }
}

/** Signs in, reads every page, then some referrals by id, as a run does. */
export async function readEverything(
  world: World,
  options: Partial<ReferralsApiOptions> = {},
  capabilities: Partial<Capabilities> = {},
): Promise<Read> {
  const clock: Clock = { ...world.clock, now: () => world.clock.now() + world.wallOffsetMs }
  const signIn = { accessToken: undefined, refreshToken: 'sandbox-refresh-token', clientId: 'any' }
  const timeouts = { connectMs: 5_000, headersMs: 10_000, bodyIdleMs: 10_000, totalMs: 20_000 }
  const store = memoryStore()
  const own = { tokenStore: store, pageSize, concurrency: 1, clock, timeouts }
  return withApi(world.url, { ...signIn, ...own, ...options }, (api) =>
    read(api, { ...byLinks, ...capabilities }),
  )
}

async function read(api: ReferralsApi, capabilities: Capabilities): Promise<Read> {
  const result: Read = { referrals: new Map(), pages: [], gone: [], error: null }
  const keep = (referral: unknown) => {
    const { id } = referral as { id: unknown }
    result.referrals.set(String(id), canonical(referral))
  }
  try {
    for await (const page of readAll(api, capabilities)) {
      result.pages.push(idsOf(page.referrals))
      page.referrals.forEach(keep)
    }
    for await (const found of readById(api, singles, 1)) {
      if (found.referral === null) result.gone.push(found.id)
      else keep(found.referral)
    }
  } catch (error) {
    result.error = error as Error
  }
  return result
}

export const tooDeep = 'too deep for JSON.stringify'

/** Text of a referral that does not depend on the order of its properties. */
export function canonical(referral: unknown): string {
  const { '@odata.context': _, ...own } = referral as Record<string, unknown>
  try {
    return JSON.stringify(Object.fromEntries(Object.entries(own).sort(byName)))
  } catch (error) {
    if (error instanceof RangeError) return tooDeep
    throw error
  }
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}

function idsOf(referrals: readonly unknown[]): string {
  return referrals.map((referral) => (referral as { id: string }).id).join(' ')
}

type SleepCountingClock = VirtualClock & {
  afterSleeps(count: number, then: () => Promise<unknown>): void
}

function createWorld(
  known: World['source'],
): World & { clock: SleepCountingClock; notBefore: number[] } {
  const inner = createVirtualClock()
  let sleepsLeft = Number.POSITIVE_INFINITY
  let wake: () => Promise<unknown> = async () => undefined
  const clock: SleepCountingClock = {
    ...inner,
    sleeps: inner.sleeps,
    afterSleeps(count, then) {
      sleepsLeft = count
      wake = then
    },
    async sleep(ms, signal) {
      // Shorter sleeps are the rate limiter's spacing between requests.
      if (ms >= 500) sleepsLeft -= 1
      if (sleepsLeft === 0) {
        sleepsLeft = Number.POSITIVE_INFINITY
        await wake()
      }
      return inner.sleep(ms, signal)
    },
  }
  const notBefore: number[] = []
  return {
    url: '',
    clock,
    source: known,
    fired: 0,
    seen: { all: 0, token: 0, tooEarly: 0, byToken: new Map() },
    notBefore,
    requireWait: (ms) => void notBefore.push(clock.monotonic() + ms),
    wallOffsetMs: 0,
    stopListening: () => undefined,
    heal: async () => undefined,
    wholePages: new Set(),
    altered: new Map(),
  }
}

function serviceOf(world: World, sandbox: Partial<SandboxOptions>): Service {
  const clock = world.clock.monotonic
  const options = { ...defaultOptions, pageCap: pageSize, clock, ...sandbox }
  const random = new Random(1, 6)
  const signIn = new SignIn(options, random)
  return { options, simulation, random, signIn, throttle: null, requests: [] }
}

async function respond(
  service: Service,
  fault: Fault,
  call: Pick<FaultContext, 'request' | 'response' | 'elsewhere'> & {
    world: World & { notBefore?: number[] }
  },
): Promise<void> {
  const { request, response, world } = call
  const isToken = /\/token$/.test(request.url ?? '')
  world.seen.all += 1
  if (isToken) world.seen.token += 1
  const token = tokenOf(request)
  world.seen.byToken.set(token, (world.seen.byToken.get(token) ?? 0) + 1)
  const limit = Math.max(0, ...(world.notBefore ?? []))
  if (isToken === (fault.position === 'token') && world.clock.monotonic() < limit)
    world.seen.tooEarly += 1
  const reply = await answer(service, request).catch((error: unknown): Reply => {
    if (error instanceof ErrorReply) return error.reply
    throw error
  })
  const healthy = { status: reply.status, body: String(reply.body) }
  const position = positionOf(request, healthy, world)
  const isTarget = position === fault.position || (fault.position === 'run' && position !== 'token')
  if (position === null || !isTarget || world.fired >= fault.times) return send(response, reply)
  const context = { ...call, healthy, position, ordinal: world.fired + 1 }
  if (fault.when?.(context) === false) return send(response, reply)
  world.fired += 1
  await fault.inject(context)
}

function positionOf(
  { url = '' }: IncomingMessage,
  { status, body }: FaultContext['healthy'],
  world: World,
): Position | null {
  if (/\/token$/.test(url)) return 'token'
  if (status !== 200) return null
  if (!body.includes('"value":[')) return url.endsWith(`/${singles[1]}`) ? 'single' : 'run'
  // Rows of nested lists have ids too, but no engagement id after them.
  const ids = [...body.matchAll(/\{"id":"([^"]+)","engagementId"/g)].map((found) => found[1] ?? '')
  world.wholePages.add(ids.join(' '))
  const start = ordered.indexOf(ids[0] ?? '')
  // Pages in other orders are read too, after the main list.
  const isMainList = ids.every((id, index) => id === ordered[start + index])
  if (!isMainList) return 'run'
  if (ids.includes(marks.first)) return 'first'
  if (ids.includes(marks.middle)) return 'middle'
  return ids.includes(marks.last) ? 'last' : 'run'
}

/** Sends a reply uncompressed: compression would take a third of the time. Body faults compress. */
function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(body)
}

export function tokenOf({ headers }: IncomingMessage): string {
  return headers.authorization ?? ''
}

async function listen(server: Server, port = 0) {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  const host = `127.0.0.1:${address.port}`
  return { server, port: address.port, host, url: `http://${host}` }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
