import { explainReferral } from '../explain/explain.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Reader } from '../warehouse/reader/open-reader.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { Choices } from './answers.ts'
import { dayIn, readChoice, requireKnown } from './choice.ts'
import { choiceParameters } from './choice-parameters.ts'
import type { Asked, Respond } from './http/serve.ts'
import { listRoutes } from './lists/list-routes.ts'
import { DealReader } from './rows/deals.ts'
import { type Chosen, type Query, resolve } from './rows/filters.ts'
import { Kept, readState } from './rows/kept.ts'
import { readMinorUnits } from './rows/sums.ts'
import { readChoices, readReportingCurrency } from './views/choices.ts'
import { readFunnel } from './views/funnel.ts'
import { pipelineOf } from './views/pipeline.ts'
import { readQuality } from './views/quality.ts'
import { findByKey, readReferral, referralParameters } from './views/referral.ts'
import { readRegistrations } from './views/registrations.ts'
import { readTrend } from './views/trend.ts'
import { readWon } from './views/won.ts'

/** Longest time of a statement; a reader who waits longer has changed the choice. */
export const statementMsMax = 20_000

/**
 * Returns the answers by their name below `data/`. All are read as the reader; explaining needs what
 * was landed too, with the rights of the program, for a referral that the reader sees.
 */
export function routesOf(
  reader: Reader,
  program: Kysely<Database>,
): Readonly<Record<string, Respond>> {
  const deals = new DealReader()
  const choices = new Kept<Omit<Choices, 'made_at'>>(1)
  const limits = (signal: AbortSignal) => ({ timeoutMs: statementMsMax, signal })
  const read = <T>(use: (query: Query) => Promise<T>, signal: AbortSignal) =>
    reader.read(use, limits(signal))
  const readChoicesOf = ({ now, signal }: Asked) =>
    read(async (query) => {
      const today = dayIn(now)
      const key = `${today} ${await readState(query, today)}`
      const kept = await choices.get(key, () => readChoices(query, today))
      return { ...kept, made_at: now.toISOString() }
    }, signal)
  const ofChoice =
    (answer: (query: Query, chosen: Chosen, asked: Asked) => Promise<object>): Respond =>
    (asked) => {
      requireKnown(asked.parameters, choiceParameters)
      const choice = readChoice(asked.parameters, dayIn(asked.now))
      return read(async (query) => answer(query, await resolve(query, choice), asked), asked.signal)
    }
  return {
    choices: (asked) => {
      requireKnown(asked.parameters, [])
      return readChoicesOf(asked)
    },
    pipeline: ofChoice(async (query, chosen, { now }) => {
      const { reporting_minor_unit } = await readReportingCurrency(query, dayIn(now))
      const units = await readMinorUnits(query, reporting_minor_unit)
      return pipelineOf(await deals.read(query, chosen.choice), chosen, units)
    }),
    trend: ofChoice(readTrend),
    funnel: ofChoice(readFunnel),
    won: ofChoice(readWon),
    registrations: ofChoice(readRegistrations),
    quality: ofChoice((query, chosen, { now }) => readQuality(query, chosen, now.toISOString())),
    ...listRoutes(read, deals),
    referral: ({ parameters, signal }) => {
      requireKnown(parameters, referralParameters)
      return read(async (query) => readReferral(query, await findByKey(query, parameters)), signal)
    },
    explain: async ({ parameters, signal }) => {
      requireKnown(parameters, referralParameters)
      const found = await read((query) => findByKey(query, parameters), signal)
      return explainReferral(program, found, limits(signal))
    },
  }
}

/**
 * Reads what the page asks for first, while the browser starts: in a large warehouse it takes a second
 * or two, and is kept. A failure is left to the page, which asks again.
 */
export async function readAhead(
  routes: Readonly<Record<string, Respond>>,
  view: string,
  signal: AbortSignal,
): Promise<void> {
  const parameters = new URLSearchParams(view)
  for (const name of [...parameters.keys()]) {
    if (!choiceParameters.includes(name)) parameters.delete(name)
  }
  const ask = async (name: string, asked: URLSearchParams) =>
    routes[name]?.({ parameters: asked, now: new Date(), signal })
  // One after the other, as the page is answered meanwhile.
  await ask('pipeline', parameters).catch(() => undefined)
  await ask('choices', new URLSearchParams()).catch(() => undefined)
}
