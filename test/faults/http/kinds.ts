import type { Capabilities } from '../../../src/extract/api/capabilities.ts'
import type { ReferralsApiOptions } from '../../../src/extract/api/referrals-api.ts'
import type { SandboxOptions } from '../../../src/sandbox/api/options.ts'
import type { Spoil } from './strikes.ts'
import type { Fault, Position, World } from './world.ts'

/** What a run must come to: all read, all but one that is gone, or a failure with its code. */
export type Outcome = 'recovered' | 'gone' | Failure
export type Failure = readonly [exitCode: number, code: string]

/** One way in which the other side, the network or the machine misbehaves. */
export interface FaultKind {
  /** What it is an instance of: A sign-in, H answers, B bodies, P pages. */
  area: string
  name: string
  positions: readonly Position[]
  /** How often in a row it strikes. */
  times: number
  /** How often it strikes before the run is through or has given up; or the least and the most. */
  fires: number | readonly [least: number, most: number]
  when?: Fault['when']
  strike: Spoil
  outcome: Outcome
  /** Where it goes otherwise than elsewhere. */
  except?: Partial<Record<Position, { outcome?: Outcome; fires?: FaultKind['fires'] }>>
  sandbox?: Partial<SandboxOptions>
  /** How the reading functions are told to page; by links alone if nothing is said. */
  capabilities?: Partial<Capabilities>
  options?: Partial<ReferralsApiOptions>
  /** Requests to the token endpoint, when they matter. */
  tokenRequests?: number
  check?: (world: World) => void
}

export const everywhere: readonly Position[] = ['token', 'first', 'middle', 'last', 'single']
export const inTheApi: readonly Position[] = ['first', 'middle', 'last', 'single']
export const onPages: readonly Position[] = ['first', 'middle', 'last']

type Extras = Partial<Omit<FaultKind, 'area' | 'name' | 'strike'>>

/** Strikes `times` in a row, and everything is read nevertheless. */
export function survived(
  area: string,
  name: string,
  times: number,
  strike: Spoil,
  extras: Extras = {},
): FaultKind {
  const outcome = 'recovered' as const
  return { area, name, positions: everywhere, times, fires: times, strike, outcome, ...extras }
}

/** Never stops; the run ends after so many tries. */
export function fatal(
  area: string,
  name: string,
  fires: FaultKind['fires'],
  strike: Spoil,
  outcome: Outcome,
  extras: Extras = {},
): FaultKind {
  const times = Number.POSITIVE_INFINITY
  return { area, name, positions: everywhere, times, fires, strike, outcome, ...extras }
}

/** Survived when it strikes so often, and the end of the run when it never stops. */
export function bothWays(
  area: string,
  name: string,
  triesMax: number,
  strike: Spoil,
  outcome: Failure,
  extras: Extras = {},
): FaultKind[] {
  return [
    survived(area, `${name}, ${timesText(triesMax - 1)}`, triesMax - 1, strike, {
      ...extras,
      except: {},
    }),
    fatal(area, `${name}, for ever`, triesMax, strike, outcome, extras),
  ]
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`
}
