import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LandedReferral, LandedVersion } from '../../src/transform/context.ts'
import { redundantVersions } from '../../src/transform/redundant-versions.ts'
import { toRows } from '../../src/transform/to-rows.ts'
import {
  aMember,
  aReferral,
  aRegistration,
  landed,
  type Observed,
} from '../support/referral-builder.ts'
import { transformContext } from '../support/transform-context.ts'

const any = () => true
const startMs = Date.parse('2025-01-01T08:00:00Z')
const hourMs = 3_600_000
const at = (hours: number) => new Date(startMs + hours * hourMs).toISOString()

/** A referral of an hour, seen an hour later. */
const seen = (hours: number, changes: object = {}): Observed => ({
  wire: aReferral({
    createdDateTime: at(0),
    updatedDateTime: at(hours),
    acceptedDateTime: null,
    closedDateTime: null,
    status: 'New',
    substatus: 'Received',
    registrationStatus: 'None',
    registrations: [],
    ...changes,
  }),
  at: at(hours + 1),
})

const active = { status: 'Active', substatus: 'Accepted', acceptedDateTime: at(30) }
const gone = (observed: readonly Observed[], mayGo: (one: LandedVersion) => boolean = any) =>
  redundantVersions(landed(observed), mayGo, transformContext)

describe('redundantVersions', () => {
  test.each([
    ['a touched time of update', seen(20)],
    ['another note', seen(20, { details: { ...aReferral().details, notes: 'Call again.' } })],
    ['a property without history', seen(20, { salesStage: '40' })],
  ])('a version between two others goes that differs by %s', (_, version) => {
    expect(gone([seen(10), version, seen(40)])).toEqual([2])
  })

  test.each([
    ['a status', seen(20, active)],
    ['a deal value', seen(20, { details: { ...aReferral().details, dealValue: 7 } })],
    ['a member', seen(20, { team: [aMember('kari@example.com', 'Kari', 'Dahl')] })],
    [
      'an address of the customer',
      seen(20, {
        customerProfile: { ...aReferral().customerProfile, address: { city: 'Oslo' } },
      }),
    ],
    ['a tag', seen(20, { details: { ...aReferral().details, requirements: {} } })],
  ])('a version stays that is the only one with %s', (_, version) => {
    expect(gone([seen(10), version, seen(40)])).toEqual([])
  })

  test('the first version with a new state stays, and those that repeat it go', () => {
    const versions = [
      seen(10),
      seen(35, active),
      seen(40, active),
      seen(45, active),
      seen(50, active),
    ]
    expect(gone(versions)).toEqual([3, 4])
  })

  test('a version stays that may not go by its age', () => {
    const versions = [seen(10), seen(20), seen(30), seen(40)]
    expect(gone(versions, ({ observed_at }) => observed_at < at(25))).toEqual([2])
  })

  test('versions of one time of the source stay, since only when they were seen dates them', () => {
    const silent = { ...seen(20, { salesStage: '40' }), at: at(30) }
    expect(gone([seen(10), seen(20), silent, seen(40), seen(50)])).toEqual([4])
  })

  test('the last version by number stays when its time of the source is an older one', () => {
    const late = { ...seen(20), at: at(60), no: 4 }
    const versions = [seen(10), { ...seen(30), no: 2 }, { ...seen(40), no: 3 }, late]
    expect(gone(versions)).toEqual([2])
  })

  test('none goes of a referral that a file shows as well, or that cannot be read', () => {
    const versions = [seen(10), seen(20), seen(30)]
    const row: LandedVersion = {
      version_no: 1,
      resource_type: 'csv_row',
      observed_at: at(50),
      source_updated_text: null,
      payload: { layout: 'insights_leads', referral: {}, cells: {}, problems: [] },
      people: null,
    }
    expect(redundantVersions(landed(versions, [row]), any, transformContext)).toEqual([])
    expect(gone([...versions, seen(40, { createdDateTime: 'never' })])).toEqual([])
  })
})

/** What one night of the source does to a referral, and how long after the one before. */
const step = fc.record({
  hours: fc.integer({ min: 1, max: 90 }),
  seenAfter: fc.integer({ min: 1, max: 40 }),
  what: fc.constantFrom(
    ...(['touch', 'touch', 'touch', 'note', 'stage', 'silent', 'value', 'member'] as const),
    ...([
      'accept',
      'win',
      'reopen',
      'register',
      'approve',
      'send back',
      'city',
      'solution',
    ] as const),
  ),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** The versions that nights land of one referral. */
function play(steps: readonly Step[]): Observed[] {
  let wire = seen(0).wire as ReturnType<typeof aReferral>
  let hour = 0
  const observed: Observed[] = [{ wire, at: at(2), no: 1 }]
  let lastSeen = 2
  for (const [index, { hours, seenAfter, what }] of steps.entries()) {
    hour += hours
    lastSeen = Math.max(lastSeen + 1, hour + seenAfter)
    const now = at(hour)
    const isSilent = what === 'silent' || what === 'send back'
    wire = {
      ...wire,
      ...(isSilent ? {} : { updatedDateTime: now }),
      ...changeOf(what, wire, now, index),
    } as typeof wire
    observed.push({ wire, at: at(lastSeen), no: index + 2 })
  }
  return observed
}

function changeOf(
  what: Step['what'],
  wire: ReturnType<typeof aReferral>,
  now: string,
  index: number,
): object {
  const parity = index % 2
  const registration = aRegistration({
    registrationDateTime: at(0),
    status: what === 'approve' ? 'Approved' : 'ActionRequired',
    statusHistory:
      what === 'approve'
        ? { reviewPendingDateTime: at(0), approvedDateTime: now }
        : { reviewPendingDateTime: at(0), actionRequiredDateTime: now },
  })
  const status = registration.status
  const changes: Record<Step['what'], () => object> = {
    touch: () => ({}),
    note: () => ({ details: { ...wire.details, notes: `note ${index}` } }),
    stage: () => ({ salesStage: String(index) }),
    silent: () => ({ salesStage: `silent ${index}` }),
    value: () => ({ details: { ...wire.details, dealValue: 1_000 + parity } }),
    member: () => ({ team: [aMember(`m${parity}@example.com`, 'Mo', 'Lund')] }),
    accept: () => ({ status: 'Active', substatus: 'Accepted', acceptedDateTime: now }),
    win: () => ({ status: 'Closed', substatus: 'Won', closedDateTime: now }),
    reopen: () => ({ status: 'Active', substatus: 'Accepted', closedDateTime: null }),
    register: () => ({
      registrations: [aRegistration({ status: 'ReviewPending', statusHistory: null })],
      registrationStatus: 'ReviewPending',
    }),
    approve: () => ({ registrations: [registration], registrationStatus: status }),
    'send back': () => ({ registrations: [registration], registrationStatus: status }),
    city: () => ({
      customerProfile: { ...wire.customerProfile, address: { city: `City ${parity}` } },
    }),
    solution: () => ({
      details: {
        ...wire.details,
        requirements: {
          solutions: [{ id: `S-${parity}`, name: parity === 0 ? null : 'One' }],
          offers: [],
        },
      },
    }),
  }
  return changes[what]()
}

/** All rows, of solutions the one that a publish would choose. */
function starOf(referral: LandedReferral): unknown {
  const transformed = toRows(referral, transformContext)
  if (transformed.kind !== 'rows') throw new Error(`no rows: ${transformed.kind}`)
  const { rows } = transformed
  const solutions: Record<string, (typeof rows)['stg.dim_solution'][number]> = {}
  const rankOf = (row: (typeof rows)['stg.dim_solution'][number]) =>
    `${row.solution_name !== '(Not provided)'} ${row.source_updated_at} ${JSON.stringify(row)}`
  for (const row of rows['stg.dim_solution']) {
    const key = `${row.item_kind} ${row.solution_id}`
    const known = solutions[key]
    if (known === undefined || rankOf(known) < rankOf(row)) solutions[key] = row
  }
  return { ...rows, 'stg.dim_solution': solutions }
}

describe('over generated histories', () => {
  test('the star is the same without the redundant versions, now and after the nights that follow', () => {
    let all = 0
    let left = 0
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 3, maxLength: 14 }),
        fc.array(step, { maxLength: 4 }),
        fc.nat(),
        (before, after, cut) => {
          const observed = play([...before, ...after])
          const whole = landed(observed)
          const old = { ...whole, versions: whole.versions.slice(0, before.length + 1) }
          const oldest = old.versions.slice(0, 1 + (cut % old.versions.length))
          const numbers = redundantVersions(old, (one) => oldest.includes(one), transformContext)
          const isLeft = (one: LandedVersion) => !numbers.includes(one.version_no)
          const without = (referral: LandedReferral) => ({
            ...referral,
            versions: referral.versions.filter(isLeft),
          })
          expect(starOf(without(old))).toEqual(starOf(old))
          expect(starOf(without(whole))).toEqual(starOf(whole))
          expect(
            redundantVersions(without(old), (one) => oldest.includes(one), transformContext),
          ).toEqual([])
          all += old.versions.length
          left += numbers.length
        },
      ),
      {
        numRuns: 200,
        seed: 20,
      },
    )
    // Otherwise nothing was shown.
    expect(left / all).toBeGreaterThan(0.1)
  })
})
