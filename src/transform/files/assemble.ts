import type { LandedVersion } from '../context.ts'
import { isEmpty, isObject } from '../parse/invalid-payload.ts'
import { type OrderedVersion, orderVersions } from '../parsed-version.ts'
import { utcDate } from '../values/dates.ts'
import { type Evidence, readEvidence } from './evidence.ts'
import { filled, overlay, type Part, pathsIn } from './merge.ts'

/** What is landed of a referral, as the transform reads it. */
export interface Assembled {
  /** Versions in the shape of the API, absences and returns; no rows of files. */
  readonly versions: readonly LandedVersion[]
  /**
   * Rows of files one by one, as versions. The dimension of solutions is of what was ever shown, so it
   * must not depend on which rows were merged when.
   */
  readonly shown: readonly LandedVersion[]
  /** What rows there are waits for others that show the referral itself. */
  readonly isWaiting: boolean
  /** The day of creation was taken from other days, as no row shows it. */
  readonly isCreationEstimated: boolean
}

/** Payload and people of a state of a referral. */
interface State {
  readonly payload: Part
  readonly people: Part
  /** Day that the state is of. */
  readonly day: string
  readonly row: LandedVersion
}

const noPart: Part = {}
const noVersions: readonly LandedVersion[] = []
/** Before the first referral of the service; for a referral of which no day is known. */
const firstDayOfAll = '2000-01-01'

/**
 * Merges the rows of files with the versions of the API. The result depends on what is landed alone,
 * in whatever order it came:
 *
 * - Without a version of the API, rows make the versions: those without a known day one, each known
 *   day another one, which begins with what was known before.
 * - A row of a day after the API was last read makes a version of that day, over the latest one.
 *   So does a row of a day before the first update that the API shows, under all others.
 * - Any row shows what no version of the API ever had. Nothing else of the API changes.
 */
export function assemble(versions: readonly LandedVersion[]): Assembled {
  const rows = versions.filter(isRow)
  const result = { versions, shown: noVersions, isWaiting: false, isCreationEstimated: false }
  if (rows.length === 0) return result
  const evidence = readEvidence(rows)
  const shown = evidence.length === 1 ? noVersions : evidence.map(asVersion)
  const others = [...versions.filter((one) => !isRow(one)), ...sightings(evidence)]
  const known = orderVersions({ versions: others })
  if (known.length > 0) {
    const merged = withApi(known, evidence)
    const apart = others.filter(({ resource_type }) => resource_type !== 'referral')
    return { ...result, versions: [...apart, ...merged], shown }
  }
  const states = statesOf(evidence).filter(({ payload }) => !isEmpty(payload.status))
  const last = states.at(-1)
  if (last === undefined) {
    return { ...result, versions: others, isWaiting: evidence.length > 0 }
  }
  const created = last.payload.createdDateTime
  const createdAt = isEmpty(created) ? instantOf(firstDayOf(evidence)) : created
  const made = states.map((state) => versionOf(state, { createdDateTime: createdAt }))
  return { ...result, versions: [...others, ...made], shown, isCreationEstimated: isEmpty(created) }
}

/** A row as a version of its own, with what a version must have. */
function asVersion({ landed, payload, people, knownDay }: Evidence): LandedVersion {
  const at = instantOf(knownDay ?? firstDayOfAll)
  const must = { status: 'New', createdDateTime: at, updatedDateTime: at }
  return { ...landed, observed_at: at, payload: { ...must, ...payload }, people }
}

function isRow({ resource_type }: LandedVersion): boolean {
  return resource_type === 'csv_row'
}

/** A file of a known day shows that the referral was there, also where nothing changed. */
function sightings(evidence: readonly Evidence[]): LandedVersion[] {
  return evidence.flatMap(({ landed, exactDay }) =>
    exactDay === null
      ? []
      : [{ ...landed, resource_type: 'referral_presence', observed_at: instantOf(exactDay) }],
  )
}

/** States that rows alone show, from the first one on. */
function statesOf(evidence: readonly Evidence[]): State[] {
  const undated = evidence.filter(({ exactDay }) => exactDay === null)
  const start = undated.length === 0 ? null : folded(null, undated, knownDayOf(undated))
  const states = dayStates(
    start,
    evidence.filter(({ exactDay }) => exactDay !== null),
  )
  return start === null || states.length > 0 ? states : [start]
}

/** States of the known days, each over the one before; a day without a change has none. */
function dayStates(start: State | null, dated: readonly Evidence[]): State[] {
  const states: State[] = []
  let state = start
  for (const day of new Set(dated.map(({ exactDay }) => exactDay ?? ''))) {
    const next = folded(
      state,
      dated.filter(({ exactDay }) => exactDay === day),
      day,
    )
    const isFirst = states.length === 0
    if (!isFirst && state !== null && isUnchanged(state, next)) continue
    states.push(next)
    state = next
  }
  return states
}

function folded(start: State | null, evidence: readonly Evidence[], day: string): State {
  let payload: unknown = start?.payload ?? noPart
  let people: unknown = start?.people ?? noPart
  for (const one of evidence) {
    payload = overlay(payload, one.payload)
    people = overlay(people, one.people)
  }
  const row = evidence.at(-1)?.landed ?? start?.row
  if (row === undefined) throw new Error('no row shows the state')
  return { payload: payload as Part, people: people as Part, day, row }
}

/** The time of the update is no content. */
function isUnchanged(one: State, other: State): boolean {
  const contentOf = ({ payload: { updatedDateTime: _, ...content }, people }: State) =>
    JSON.stringify([content, people])
  return contentOf(one) === contentOf(other)
}

function versionOf({ payload, people, day, row }: State, stable: Part): LandedVersion {
  const own = payload.updatedDateTime
  const updated = typeof own === 'string' && own.slice(0, 10) >= day ? own : instantOf(day)
  const created = stable.createdDateTime
  // A day of creation that is later than the state would put the update before it.
  const updatedDateTime = typeof created === 'string' && created > updated ? created : updated
  return {
    version_no: row.version_no,
    resource_type: 'csv_row',
    observed_at: updatedDateTime,
    source_updated_text: updatedDateTime,
    payload: { ...payload, ...stable, updatedDateTime },
    people,
  }
}

function withApi(known: readonly OrderedVersion[], evidence: readonly Evidence[]): LandedVersion[] {
  const landed = known.map((one) => one.landed)
  const all = folded(null, evidence, '')
  const payloadPaths = lowerPaths(landed.map(({ payload }) => payload))
  const peoplePaths = lowerPaths(landed.map(({ people }) => people))
  const whole = landed.map((version) => ({
    ...version,
    payload: filled(version.payload, all.payload, payloadPaths),
    people: filled(version.people ?? noPart, all.people, peoplePaths),
  }))
  const [oldest, newest] = [whole[0], whole.at(-1)]
  if (oldest === undefined || newest === undefined) return whole
  const readOn = utcDate(known.map((one) => one.observedAt).reduce(laterText, ''))
  const begunOn = utcDate(known[0]?.sourceOrder ?? '')
  const created = createdOf(oldest.payload)
  const before = dayStates(
    { ...stateOf(oldest, begunOn), payload: beforeAll(oldest.payload) },
    evidence.filter(
      ({ exactDay, payload }) =>
        exactDay !== null && exactDay < begunOn && !isEmpty(payload.status),
    ),
  )
  const after = dayStates(
    stateOf(newest, readOn),
    evidence.filter(({ exactDay }) => exactDay !== null && exactDay > readOn),
  )
  return [
    ...before.map((state) => versionOf(state, created)),
    ...whole,
    ...after
      .filter((state, index) => index > 0 || !isUnchanged(stateOf(newest, readOn), state))
      .map((state) => versionOf({ ...state, payload: withoutUpdate(state.payload) }, created)),
  ]
}

function stateOf(version: LandedVersion, day: string): State {
  const people = isObject(version.people) ? version.people : noPart
  return { payload: version.payload as Part, people, day, row: version }
}

/** What the first version of the API shows and what is true of the time before it. */
function beforeAll(payload: unknown): Part {
  if (!isObject(payload)) return noPart
  const later = new Set([
    'acceptedDateTime',
    'closedDateTime',
    'registrations',
    'registrationStatus',
    'updatedDateTime',
  ])
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !later.has(name)))
}

function withoutUpdate({ updatedDateTime: _, ...payload }: Part): Part {
  return payload
}

function createdOf(payload: unknown): Part {
  const created = isObject(payload) ? payload.createdDateTime : undefined
  return isEmpty(created) ? noPart : { createdDateTime: created }
}

function lowerPaths(values: readonly unknown[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const value of values) pathsIn(value, '', found)
  return found
}

function knownDayOf(evidence: readonly Evidence[]): string {
  return (
    evidence.map(({ knownDay }) => knownDay ?? '').reduce(laterText, '') || firstDayOf(evidence)
  )
}

function firstDayOf(evidence: readonly Evidence[]): string {
  const days = evidence.flatMap(({ firstDay }) => firstDay ?? []).sort()
  return days[0] ?? firstDayOfAll
}

function laterText(one: string, other: string): string {
  return one > other ? one : other
}

function instantOf(day: string): string {
  return `${day}T00:00:00Z`
}
