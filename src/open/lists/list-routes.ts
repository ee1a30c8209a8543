import { BadRequest, dayIn, only, readChoice, requireKnown } from '../choice.ts'
import { choiceParameters } from '../choice-parameters.ts'
import { type Asked, type Respond, SentFile } from '../http/serve.ts'
import type { DealReader } from '../rows/deals.ts'
import { type Query, resolve } from '../rows/filters.ts'
import type { Source } from '../rows/source.ts'
import { sources } from '../rows/sources.ts'
import { readReportingCurrency } from '../views/choices.ts'
import { csvOf } from './csv.ts'
import { dealParameters, movedDeals, openDeals, withDays } from './deal-lists.ts'
import { arrangementParameters, conditionsOf, readArrangement, readList, readPage } from './list.ts'

type Read = <T>(use: (query: Query) => Promise<T>, signal: AbortSignal) => Promise<T>

/** Returns the routes of lists, as pages and as files. */
export function listRoutes(read: Read, deals: DealReader): Readonly<Record<string, Respond>> {
  return {
    list: (asked) =>
      read(async (query) => {
        const source = await sourceOf(query, asked, deals, ['page'])
        const { parameters } = asked
        const arrangement = readArrangement(source, parameters)
        const page = readPage(parameters)
        return readList(query, source, conditionsOf(source, parameters), { ...arrangement, page })
      }, asked.signal),
    'list.csv': (asked) => sendCsv(read, deals, asked),
  }
}

/** Returns the rows that the parameters name. @throws BadRequest for parameters that it does not take. */
async function sourceOf(
  query: Query,
  asked: Asked,
  deals: DealReader,
  others: readonly string[],
): Promise<Source> {
  const source = await findSource(query, asked, deals, others)
  const { reporting_currency } = await readReportingCurrency(query, dayIn(asked.now))
  // A file is read without the page, which says what the reporting currency is.
  const columns = source.columns.map((column) =>
    column.name === 'converted_amount' ? { ...column, label: `In ${reporting_currency}` } : column,
  )
  return { ...source, columns }
}

async function findSource(
  query: Query,
  { parameters, now }: Asked,
  deals: DealReader,
  others: readonly string[],
): Promise<Source> {
  const set = only(parameters, 'set') ?? ''
  const known = ['set', ...choiceParameters, ...arrangementParameters, ...others]
  const choice = readChoice(parameters, dayIn(now))
  if (set === 'open' || set === 'movement') {
    requireKnown(parameters, [...known, ...dealParameters[set]])
    const chosen = await resolve(query, withDays(parameters, choice, dayIn(now)))
    const read = await deals.read(query, chosen.choice)
    return set === 'open'
      ? openDeals(read, chosen, parameters)
      : movedDeals(read, chosen, parameters)
  }
  const make = Object.hasOwn(sources, set) ? sources[set] : undefined
  if (make === undefined) {
    const names = ['open', 'movement', ...Object.keys(sources)].join(', ')
    throw new BadRequest(`set: expected one of ${names}.`)
  }
  const source = make(await resolve(query, choice))
  requireKnown(parameters, [...known, ...Object.keys(source.conditions)])
  return source
}

/**
 * Sends a list as a file while it is read. There is a file from its first part on, so that a list that
 * cannot be read is an error and no file; one that fails later breaks off.
 */
function sendCsv(read: Read, deals: DealReader, asked: Asked): Promise<SentFile> {
  const { parameters, signal } = asked
  return new Promise((answer, fail) => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const breakOff = (error: unknown) => void writer.abort(error).catch(() => undefined)
    // A part that nobody takes is waited for.
    signal.addEventListener('abort', () => breakOff(signal.reason), { once: true })
    const reading = read(async (query) => {
      const source = await sourceOf(query, asked, deals, [])
      const arrangement = readArrangement(source, parameters)
      const conditions = conditionsOf(source, parameters)
      const encoder = new TextEncoder()
      let isFirst = true
      for await (const part of csvOf(query, source, conditions, arrangement)) {
        signal.throwIfAborted()
        if (isFirst) answer(new SentFile(fileHeaders(parameters), readable, reading))
        isFirst = false
        await writer.write(encoder.encode(part))
      }
      await writer.close()
    }, signal)
    reading.catch((error) => {
      fail(error)
      breakOff(error)
    })
  })
}

function fileHeaders(parameters: URLSearchParams) {
  const name = `cosell-${(parameters.get('set') ?? '').replaceAll('_', '-')}.csv`
  return {
    'Content-Type': 'text/csv; charset=utf-8',
    'Content-Disposition': `attachment; filename="${name}"`,
  }
}
