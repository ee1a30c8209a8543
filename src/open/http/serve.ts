import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings, type ServerType } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import pLimit, { type LimitFunction } from 'p-limit'
import pg from 'pg'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { codeOf, databaseFailure } from '../../warehouse/connection/database.ts'
import type { Failure } from '../answers.ts'
import { BadRequest } from '../choice.ts'
import { NotFound } from './failures.ts'
import { headers, refusalOf } from './guard.ts'
import { documentName, type PageFile } from './page-files.ts'

/** What a route answers: an object as JSON, or a file. */
export type Respond = (asked: Asked) => Promise<object | SentFile>

/** A file that is read while it is sent; its route has a name with an ending, such as `list.csv`. */
export class SentFile {
  constructor(
    readonly headers: Readonly<Record<string, string>>,
    readonly body: ReadableStream<Uint8Array>,
    /** Settles when nothing is read any more; rejects for a file that breaks off. */
    readonly end: Promise<void>,
  ) {}
}

export interface Asked {
  readonly parameters: URLSearchParams
  readonly now: Date
  /** The browser no longer waits for the answer. */
  readonly signal: AbortSignal
}

export interface PageServerOptions {
  readonly files: ReadonlyMap<string, PageFile>
  /** Answers by their name below `data/`. */
  readonly routes: Readonly<Record<string, Respond>>
  /** Port of 127.0.0.1; 0 takes a free one. */
  readonly port: number
  readonly logger: Logger
  /** A file of which the browser takes nothing for so long breaks off; a minute when left out. */
  readonly stalledMsMax?: number
}

export interface PageServer {
  /** Address of the page; it ends with a slash, and has the token. */
  readonly url: string
  /**
   * Address that leads to the page with the parameters `query` once, and is worth nothing then: that
   * of a program that was started is shown to all users of the machine.
   */
  addressForOnce(query: string): string
  /** Breaks off what is answered, and waits until nothing is read for it any more. */
  close(): Promise<void>
}

/** The server of HTTP/1.1, which alone is made here. */
type Server = Extract<ServerType, { closeAllConnections(): void }>

/**
 * Answers at a time, files among them, each with a connection of the six of the pool: one is left to
 * cancel what nobody waits for, and one to read ahead.
 */
const answersMax = 4
/** Files at a time, so that the views are answered beside slow downloads. */
const filesMax = 2
/** Several times what a statement may take. */
const defaultStalledMsMax = 60_000

interface Own {
  readonly port: number
  readonly token: string
  once: { readonly word: string; readonly query: string } | undefined
}

/**
 * Serves the page and its data on 127.0.0.1. Every request needs the token that the address has.
 *
 * @throws CosellError `open.port` when the port cannot be had.
 */
export async function servePage(options: PageServerOptions): Promise<PageServer> {
  const own: { port: number; token: string; once: Own['once'] } = {
    port: options.port,
    token: newWord(),
    once: undefined,
  }
  const turns: Turns = { all: pLimit(answersMax), files: pLimit(filesMax), running: new Set() }
  const app = pageApp(options, own, turns)
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  own.port = await listen(server, options.port)
  const root = `http://127.0.0.1:${own.port}/`
  return {
    url: `${root}${own.token}/`,
    addressForOnce: (query) => {
      const word = newWord()
      own.once = { word, query }
      return `${root}${word}`
    },
    close: async () => {
      await close(server)
      await Promise.allSettled(turns.running)
    },
  }
}

function newWord(): string {
  return randomBytes(24).toString('base64url')
}

type App = Hono<{ Bindings: HttpBindings }>
type Asking = Context<{ Bindings: HttpBindings }>

interface Turns {
  readonly all: LimitFunction
  readonly files: LimitFunction
  /** Each settles when its answer no longer takes a turn. */
  readonly running: Set<Promise<void>>
}

function pageApp(options: PageServerOptions, own: Own, turns: Turns): App {
  const { files, routes, logger, stalledMsMax = defaultStalledMsMax } = options
  const app: App = new Hono()
  app.use(async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  })
  app.use(async (c, next) => {
    const asking = askingOf(c)
    const refusal = refusalOf(asking, own.port, own.token)
    if (refusal === undefined) return next()
    const { once } = own
    if (once !== undefined && refusalOf(asking, own.port, once.word) === undefined) {
      own.once = undefined
      return c.redirect(`/${own.token}/${once.query}`, 303)
    }
    if (refusal.status === 405) c.header('Allow', 'GET')
    return fail(c, refusal.status, refusal.message)
  })
  app.get('/:token/', (c) => sendFile(c, files.get(documentName)))
  app.get('/:token/data/:name', async (c) => {
    const name = c.req.param('name')
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (route === undefined) throw new NotFound('There is no such answer.')
    const { signal } = c.req.raw
    const parameters = new URL(c.req.url).searchParams
    const answer = await answerInTurn(turns, name.includes('.'), () => {
      // A choice that was changed again before its turn came.
      signal.throwIfAborted()
      return route({ parameters, now: new Date(), signal })
    })
    if (!(answer instanceof SentFile)) return c.json(answer)
    const { outgoing } = c.env
    outgoing.setTimeout(stalledMsMax)
    answer.end.catch((error) => {
      if (!signal.aborted) logFailure(error, name, logger)
      // A file that ends well would seem to be whole.
      outgoing.destroy()
    })
    return c.body(answer.body, 200, { ...answer.headers })
  })
  app.get('/:token/:file', (c) => sendFile(c, files.get(c.req.param('file'))))
  app.notFound((c) => fail(c, 404, 'Nothing is here.'))
  app.onError((error, c) => failFor(error, c, logger))
  return app
}

/** Answers when a turn is free, and keeps the turn until the answer is read to its end. */
function answerInTurn<Answer extends object>(
  { all, files, running }: Turns,
  isFile: boolean,
  answer: () => Promise<Answer | SentFile>,
): Promise<Answer | SentFile> {
  return new Promise((answered, failed) => {
    const inTurn = () =>
      all(async () => {
        try {
          const made = await answer()
          answered(made)
          if (made instanceof SentFile) await made.end
        } catch (error) {
          failed(error)
        }
      })
    const turn = isFile ? files(inTurn) : inTurn()
    running.add(turn)
    void turn.finally(() => running.delete(turn))
  })
}

function askingOf(c: Asking) {
  const { headers: sent, method = '', url = '' } = c.env.incoming
  const one = (name: string) => [sent[name]].flat()[0]
  return {
    method,
    path: url,
    host: one('host'),
    origin: one('origin'),
    site: one('sec-fetch-site'),
    mode: one('sec-fetch-mode'),
  }
}

function sendFile(c: Asking, file: PageFile | undefined) {
  if (file === undefined) throw new NotFound('There is no such file.')
  return c.body(file.bytes, 200, { 'Content-Type': file.type })
}

function fail(c: Asking, status: 400 | 403 | 404 | 405 | 500 | 503, message: string) {
  const failure: Failure = { message }
  return c.json(failure, status)
}

function failFor(error: unknown, c: Asking, logger: Logger) {
  if (error instanceof BadRequest) return fail(c, 400, error.message)
  if (error instanceof NotFound) return fail(c, 404, error.message)
  if (c.req.raw.signal.aborted) return fail(c, 503, 'The browser left.')
  if (codeOf(error) === statementTimeout) {
    return fail(
      c,
      503,
      'The warehouse took too long to answer. Set a narrower filter or a shorter time, or try again.',
    )
  }
  // What `explain` says of a referral is for its reader.
  if (error instanceof CosellError && error.code.startsWith('explain.')) {
    return fail(c, 404, error.message)
  }
  const kind = logFailure(error, c.req.param('name'), logger)
  if (kind === 'tryAgainLater') return fail(c, 503, 'The warehouse does not answer.')
  return fail(c, 500, 'This could not be answered. The log of `cosell open` has the reason.')
}

/** Logs why an answer is none, or not whole, and returns of what kind that is. */
function logFailure(error: unknown, answer: string | undefined, logger: Logger) {
  const { code, kind } = databaseFailure(error)
  // A message of PostgreSQL may quote what is stored; the others are ours.
  const reason = error instanceof pg.DatabaseError ? codeOf(error) : String(error)
  logger.warn({ code, reason, answer }, 'an answer failed')
  return kind
}

/** PostgreSQL ended the statement: query_canceled. */
const statementTimeout = '57014'

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portUnusable(port, error)))
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function portUnusable(port: number, cause: NodeJS.ErrnoException): CosellError {
  return new CosellError(
    'open.port',
    `--port ${port}: expected a port of 127.0.0.1 that is free, got ${cause.code}. Give another one, ` +
      'or leave it out for a free one.',
    { cause },
  )
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
