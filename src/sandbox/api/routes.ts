import type { IncomingMessage } from 'node:http'
import { policiesOf } from '../data/policies.ts'
import { type ChangeKind, changeKinds } from '../population/change.ts'
import { type Entry, readEntry, type Store } from '../population/referral-store.ts'
import type { Simulation } from '../population/simulation.ts'
import type { Random } from '../random.ts'
import type { Referral } from '../referral.ts'
import { type ListQuery, parseList, readPage } from './list.ts'
import type { SandboxOptions } from './options.ts'
import { badRequest, type ErrorReply, errorReply, json, type Reply } from './reply.ts'
import type { SignIn } from './sign-in.ts'
import type { Throttle } from './throttle.ts'

export interface AnsweredRequest {
  readonly method: string
  readonly url: string
  readonly status: number
}

/** State that all handlers share. */
export interface Service {
  readonly options: SandboxOptions
  readonly simulation: Simulation
  readonly signIn: SignIn
  readonly throttle: Throttle | null
  readonly requests: AnsweredRequest[]
  readonly random: Random
}

interface Call {
  readonly service: Service
  readonly request: IncomingMessage
  readonly url: URL
  /** Path segments captured by the route. */
  readonly captured: readonly string[]
}

interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  /** The call counts for the rate limit and needs a bearer token. */
  readonly isApi: boolean
  answer(call: Call): Reply | Promise<Reply>
}

const routes: readonly Route[] = [
  { method: 'GET', path: /^\/v1\.0\/engagements\/referrals$/, isApi: true, answer: list },
  { method: 'GET', path: /^\/v1\.0\/engagements\/referrals\/([^/]+)$/, isApi: true, answer: one },
  {
    method: 'GET',
    path: /^\/v1\.0\/engagements\/referrals\/([^/]+)\/registrationEligibilityPolicies$/,
    isApi: true,
    answer: policies,
  },
  { method: 'POST', path: /^\/[^/]+\/oauth2\/v2\.0\/token$/, isApi: false, answer: tokenV2 },
  { method: 'POST', path: /^\/[^/]+\/oauth2\/token$/, isApi: false, answer: tokenV1 },
  { method: 'POST', path: /^\/[^/]+\/oauth2\/v2\.0\/devicecode$/, isApi: false, answer: device },
  { method: 'POST', path: /^\/sandbox\/change$/, isApi: false, answer: change },
  { method: 'POST', path: /^\/sandbox\/arrive$/, isApi: false, answer: arrive },
  { method: 'POST', path: /^\/sandbox\/vanish$/, isApi: false, answer: vanish },
  { method: 'POST', path: /^\/sandbox\/reappear$/, isApi: false, answer: reappear },
  { method: 'POST', path: /^\/sandbox\/appear$/, isApi: false, answer: appear },
  { method: 'GET', path: /^\/sandbox\/state$/, isApi: false, answer: state },
]

const context = 'http://api.partner.microsoft.com/v1.0/$metadata#Referrals'
const bodyBytesMax = 64 * 1024

/** Finds the route of a request and answers it. @throws ErrorReply */
export async function answer(service: Service, request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://sandbox')
  const found = routes.filter((route) => route.path.test(url.pathname))
  const route = found.find((each) => each.method === request.method)
  const isApi = found[0]?.isApi ?? url.pathname.startsWith('/v1.0/')
  if (isApi) admit(service, request)
  if (route === undefined) {
    if (found.length === 0) throw notFound(`There is nothing at '${url.pathname}'.`)
    const headers = { Allow: found.map((each) => each.method).join(', ') }
    throw errorReply(405, 'invalidRequest', 'The method is not allowed here.', { headers })
  }
  const captured = route.path.exec(url.pathname)?.slice(1) ?? []
  return await route.answer({ service, request, url, captured })
}

/** Applies the rate limit, then checks the access token. @throws ErrorReply */
function admit(service: Service, request: IncomingMessage): void {
  const waitSeconds = service.throttle?.take(service.options.clock()) ?? 0
  if (waitSeconds > 0) {
    throw errorReply(429, 'tooManyRequests', 'Too many requests. Wait as Retry-After says.', {
      headers: { 'Retry-After': String(waitSeconds) },
    })
  }
  service.signIn.check(request.headers.authorization)
}

function notFound(message: string): ErrorReply {
  return errorReply(404, 'itemNotFound', message, { target: 'referral' })
}

function list({ service, request, url }: Call): Reply {
  const { options } = service
  const query = parseList(url.searchParams, options)
  const page = readPage(visibleTo(service), query, options)
  const parts: Buffer[] = [
    Buffer.from(`{"@odata.context":"${context}","@odata.count":${page.count},"value":[`),
  ]
  page.entries.forEach((entry, index) => {
    if (index > 0) parts.push(Buffer.from(','))
    parts.push(selected(entry, query, options))
  })
  const link =
    page.next === null ? '' : `,"@odata.nextLink":"${nextLink(options, request, page.next)}"`
  parts.push(Buffer.from(`]${link}}`))
  return { status: 200, body: Buffer.concat(parts) }
}

/** Returns the part of the store that the caller sees, the same referrals every time. */
function visibleTo({ options, signIn, simulation }: Service): Pick<Store, 'inOrder' | 'get'> {
  const { store } = simulation
  const percent = options.visiblePercent[signIn.principal] ?? 100
  if (percent === 100) return store
  const isVisible = ({ id }: Entry) => Number.parseInt(id.slice(0, 8), 16) % 100 < percent
  return {
    inOrder: (property) => store.inOrder(property).filter(isVisible),
    get: (id) => [store.get(id)].find((entry) => entry !== undefined && isVisible(entry)),
  }
}

/** Returns a link to the host that the client asked, so that the sandbox works behind a proxy. */
function nextLink(options: SandboxOptions, request: IncomingMessage, token: string): string {
  const path = options.nextLink === 'same-origin' ? 'engagements/referrals' : 'referrals'
  return `http://${request.headers.host}/v1.0/${path}?$skiptoken=${token}`
}

function selected(
  entry: Entry,
  { select }: Pick<ListQuery, 'select'>,
  { eligibility }: SandboxOptions,
): Buffer {
  const hasPolicies = eligibility === 'property'
  if (select.length === 0 && !hasPolicies) return entry.json
  const policies = hasPolicies ? { registrationEligibilityPolicies: policiesOf(entry.id) } : {}
  const whole: Referral = { ...readEntry(entry), ...policies }
  if (select.length === 0) return Buffer.from(JSON.stringify(whole))
  const chosen = select.filter((name) => whole[name] !== undefined)
  return Buffer.from(JSON.stringify(Object.fromEntries(chosen.map((name) => [name, whole[name]]))))
}

function one({ service, url, captured: [id = ''] }: Call): Reply {
  const entry = visibleTo(service).get(decodeURIComponent(id))
  if (entry === undefined) throw notFound('The referral was not found.')
  const select = url.searchParams.get('$select')?.split(',') ?? []
  const body = `{"@odata.context":"${context}/$entity",${selected(entry, { select }, service.options).subarray(1)}`
  return { status: 200, headers: { ETag: entry.eTag }, body }
}

/** Answers with the policies of a referral, at an address that is an invention of ours. */
function policies({ service, captured: [id = ''] }: Call): Reply {
  const entry = visibleTo(service).get(decodeURIComponent(id))
  const value = service.options.eligibility === 'address' && entry ? policiesOf(entry.id) : []
  if (value.length === 0) throw notFound('The referral has no policy.')
  return json(200, { '@odata.context': `${context}/policies`, value })
}

async function tokenV2({ service, request }: Call): Promise<Reply> {
  return service.signIn.token(await readForm(request), 2)
}

async function tokenV1({ service, request }: Call): Promise<Reply> {
  return service.signIn.token(await readForm(request), 1)
}

async function device({ service, request }: Call): Promise<Reply> {
  const uri = `http://${request.headers.host}/sandbox/device`
  return service.signIn.device(await readForm(request), uri)
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > bodyBytesMax) throw badRequest('body', 'The body is too long.')
  }
  return new URLSearchParams(text)
}

function change({ service, url }: Call): Reply {
  const kind = url.searchParams.get('kind') ?? undefined
  if (kind !== undefined && !(changeKinds as readonly string[]).includes(kind)) {
    throw badRequest('kind', `Expected one of ${changeKinds.join(', ')}, got '${kind}'.`)
  }
  const changed = service.simulation.change(countOf(url), kind as ChangeKind | undefined)
  return json(200, { changed, now: now(service) })
}

function arrive({ service, url }: Call): Reply {
  const arrived = service.simulation.arrive(countOf(url))
  return json(200, { arrived, now: now(service) })
}

function vanish({ service, url }: Call): Reply {
  const vanished = service.simulation.vanish(countOf(url))
  return json(200, { vanished, now: now(service) })
}

function reappear({ service }: Call): Reply {
  const reappeared = service.simulation.reappear()
  return json(200, { reappeared, now: now(service) })
}

function appear({ service, url }: Call): Reply {
  const appeared = service.simulation.appear(countOf(url))
  return json(200, { appeared, now: now(service) })
}

function state({ service }: Call): Reply {
  const { refreshToken: _, clock: __, ...options } = service.options
  const { simulation, requests } = service
  const referrals = simulation.store.size
  return json(200, { now: now(service), referrals, requests: requests.length, options })
}

function now({ simulation }: Service): string {
  return new Date(simulation.nowMs).toISOString()
}

function countOf(url: URL): number {
  const text = url.searchParams.get('count') ?? '1'
  if (!/^\d{1,7}$/.test(text)) throw badRequest('count', `Expected a whole number, got '${text}'.`)
  return Number(text)
}
