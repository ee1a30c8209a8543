import type { LandedVersion } from '../context.ts'
import { isObject } from '../parse/invalid-payload.ts'
import type { Part } from './merge.ts'

/** Fault of a cell as it is landed, without its place. */
export interface LandedProblem {
  readonly code: string
  /** Empty when the fault is one of the whole row. */
  readonly column: string
  readonly expected: string
  readonly got: string
  readonly effect: 'quarantined' | 'loaded_without_value'
}

/** Payload of a landed row of a file: `raw.payload` of the type `csv_row`. */
export interface CsvRowPayload {
  readonly layout: string
  /** Day on which the file was downloaded, as its importer says. */
  readonly asOf?: string
  /** Latest day that Partner Center itself dates in the file. */
  readonly fileDay?: string
  /** The referral without its people; null for a row that cannot be loaded. */
  readonly referral: Part | null
  /** Cells without a property. */
  readonly cells: Readonly<Record<string, string>>
  readonly problems: readonly LandedProblem[]
}

/** What one row of a file shows of a referral. */
export interface Evidence {
  readonly landed: LandedVersion
  readonly payload: Part
  readonly people: Part
  /** Day of which the row shows the state: of the update in the row, else of the download. */
  readonly exactDay: string | null
  /**
   * Latest day that the row shows; the state is not older. The latest day of its file is not meant:
   * the same rows in other files must give the same.
   */
  readonly knownDay: string | null
  /** Earliest day that the row shows; the referral is not younger. */
  readonly firstDay: string | null
  /** Parts of the order, compared one after the other. */
  readonly order: readonly (string | number)[]
}

const noPart: Part = {}

/** Statuses in the order of a referral's life. */
const statusRanks: ReadonlyMap<unknown, number> = new Map([
  ['New', 1],
  ['Active', 2],
  ['Closed', 3],
])
/** Statuses of a registration: the later ones end a review. */
const registrationRanks: ReadonlyMap<unknown, number> = new Map([
  ['ReviewPending', 1],
  ['ActionRequired', 2],
  ['Passed', 3],
  ['Failed', 4],
  ['Approved', 5],
  ['Closed', 6],
])
/** Layouts from the one that shows a referral least closely on. */
const layoutRanks: ReadonlyMap<string, number> = new Map([
  ['registrations', 1],
  ['cosell_2021', 2],
  ['cosell_2023', 3],
  ['insights_leads', 4],
  ['insights_cosell', 5],
])

/**
 * Returns the rows that show a referral, from the one that counts least on. Their order depends on
 * what they show alone: a row of a known day comes after those without one. Among these, the one
 * that is further in the life of the referral comes later, then the one with the later day.
 */
export function readEvidence(rows: readonly LandedVersion[]): Evidence[] {
  const found = rows.flatMap((landed) => {
    const { referral, ...row } = landed.payload as CsvRowPayload
    return referral === null ? [] : [evidenceOf(landed, row, referral)]
  })
  return found.length < 2 ? found : found.sort(compare)
}

/** Returns the faults of cells that rows of files were loaded without. */
export function lostCells(rows: readonly LandedVersion[]): readonly LandedProblem[] {
  return rows.flatMap(({ resource_type, payload }) => {
    if (resource_type !== 'csv_row') return []
    const { referral, problems } = payload as CsvRowPayload
    return referral === null ? [] : problems
  })
}

/** Returns the rows that cannot be loaded, each with the fault that decides. */
export function unreadableRows(rows: readonly LandedVersion[]) {
  return rows.flatMap(({ resource_type, version_no, payload }) => {
    if (resource_type !== 'csv_row') return []
    const { referral, problems } = payload as CsvRowPayload
    const problem = problems.find(({ effect }) => effect === 'quarantined')
    return referral !== null || problem === undefined ? [] : [{ version_no, problem }]
  })
}

function evidenceOf(
  landed: LandedVersion,
  { layout, asOf, fileDay }: Omit<CsvRowPayload, 'referral'>,
  referral: Part,
): Evidence {
  const payload = withInstants(referral) as Part
  const people = isObject(landed.people) ? landed.people : noPart
  const shown = isObject(people.referral) ? people.referral : noPart
  const days = daysOf(referral).sort()
  const exactDay = dayOf(referral.updatedDateTime) ?? asOf ?? null
  const ownDay = days.at(-1) ?? null
  const knownDay = later(exactDay, ownDay)
  const registration = registrationRanks.get(referral.registrationStatus) ?? 0
  return {
    landed,
    payload,
    people: shown,
    exactDay,
    knownDay,
    firstDay: days[0] ?? exactDay,
    order: [
      exactDay ?? '',
      statusRanks.get(referral.status) ?? 0,
      ownDay ?? '',
      registration,
      fileDay ?? '',
      layoutRanks.get(layout) ?? 0,
      JSON.stringify(payload),
      JSON.stringify(shown),
    ],
  }
}

function compare(one: Evidence, other: Evidence): number {
  for (const [at, left] of one.order.entries()) {
    const right = other.order[at] ?? ''
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other
  return one > other ? one : other
}

/** Days of what happened to a referral before the file was downloaded. */
function daysOf(referral: Part): string[] {
  const days = [dayOf(referral.createdDateTime), dayOf(referral.updatedDateTime)]
  for (const registration of listOf(referral.registrations)) {
    if (!isObject(registration)) continue
    days.push(dayOf(registration.registrationDateTime))
    const history = registration.statusHistory
    if (isObject(history)) days.push(...Object.values(history).map(dayOf))
  }
  return days.filter((day) => day !== null)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function dayOf(value: unknown): string | null {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? value.slice(0, 10) : null
}

/** A day of a property of the API is an instant there: its first one. */
function withInstants(value: unknown, name = ''): unknown {
  if (typeof value === 'string') {
    const isDay = name.endsWith('DateTime') && /^\d{4}-\d\d-\d\d$/.test(value)
    return isDay ? `${value}T00:00:00Z` : value
  }
  if (Array.isArray(value)) return value.map((item) => withInstants(item))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withInstants(inner, key)]),
  )
}
