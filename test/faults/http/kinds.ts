import type { Capabilities } from '../../../src/extract/api/capabilities.ts'
import type { ReferralsApiOptions } from '../../../src/extract/api/referrals-api.ts'
import type { SandboxOptions } from '../../../src/sandbox/api/options.ts'
import type { Injection } from './strikes.ts'
import type { Fault, Position, World } from './world.ts'

/** Expected end of a run: all read, all but one that is gone, or a failure with its code. */
export type Outcome = 'recovered' | 'gone' | Failure
export type Failure = readonly [exitCode: number, code: string]

/** One way in which the other side, the network or the machine misbehaves. */
export interface FaultKind {
  /** Area and number in the list of faults: A sign-in, H answers, B bodies, P pages. */
  area: string
  name: string
  positions: readonly Position[]
  /** Largest number of injections. */
  times: number
  /** Expected number of injections when the run ends, or its least and greatest value. */
  fires: number | readonly [least: number, most: number]
  when?: Fault['when']
  inject: Injection
  outcome: Outcome
  /** Positions with another outcome or another number of injections. */
  except?: Partial<Record<Position, { outcome?: Outcome; fires?: FaultKind['fires'] }>>
  sandbox?: Partial<SandboxOptions>
  /** Capabilities that the reading functions get; next links alone by default. */
  capabilities?: Partial<Capabilities>
  options?: Partial<ReferralsApiOptions>
  /** Expected number of requests to the token endpoint; not checked by default. */
  tokenRequests?: number
  check?: (world: World) => void
}

export const everywhere: readonly Position[] = ['token', 'first', 'middle', 'last', 'single']
export const inTheApi: readonly Position[] = ['first', 'middle', 'last', 'single']
export const onPages: readonly Position[] = ['first', 'middle', 'last']

type Extras = Partial<Omit<FaultKind, 'area' | 'name' | 'inject'>>

/** A fault that is injected `times` in a row; everything is read nevertheless. */
export function survived(
  area: string,
  name: string,
  times: number,
  inject: Injection,
  extras: Extras = {},
): FaultKind {
  const outcome = 'recovered' as const
  return { area, name, positions: everywhere, times, fires: times, inject, outcome, ...extras }
}

/** A fault that never stops; the run ends after `fires` injections. */
export function fatal(
  area: string,
  name: string,
  fires: FaultKind['fires'],
  inject: Injection,
  outcome: Outcome,
  extras: Extras = {},
): FaultKind {
  const times = Number.POSITIVE_INFINITY
  return { area, name, positions: everywhere, times, fires, inject, outcome, ...extras }
}

/** Two kinds of one fault: survived one injection below `triesMax`, fatal when it never stops. */
export function bothWays(
  area: string,
  name: string,
  triesMax: number,
  inject: Injection,
  outcome: Failure,
  extras: Extras = {},
): FaultKind[] {
  return [
    survived(area, `${name}, ${timesText(triesMax - 1)}`, triesMax - 1, inject, {
      ...extras,
      except: {},
    }),
    fatal(area, `${name}, for ever`, triesMax, inject, outcome, extras),
  ]
}

const known: readonly Position[] = ['middle', 'last', 'single']
const unusable: Failure = [69, 'api.unusable_answer']

/**
 * Kinds of an answer that breaks the contract: tried twice at first contact, and like a 503 once the
 * API gave a good answer. The run then ends with 75, or with `later` when the answer is JSON.
 */
export function unusableAnswer(
  area: string,
  name: string,
  inject: Injection,
  extras: Extras & { later?: Failure } = {},
): FaultKind[] {
  const { later = [75, 'api.unavailable'], ...others } = extras
  const positions = others.positions ?? everywhere
  const afterwards = { outcome: later, fires: 8 }
  return [
    survived(area, `${name}, once`, 1, inject, others),
    survived(area, `${name}, 7 times`, 7, inject, {
      ...others,
      positions: positions.filter((position) => known.includes(position)),
    }),
    fatal(area, `${name}, for ever`, 2, inject, unusable, {
      ...others,
      except: Object.fromEntries(known.map((position) => [position, afterwards])),
    }),
  ]
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`
}
