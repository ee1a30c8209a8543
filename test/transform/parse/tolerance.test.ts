import { describe, expect, test } from 'vitest'
import { readReferral } from '../../../src/transform/parse/parse-referral.ts'
import { referralShape } from '../../../src/transform/parse/properties.ts'
import type { ObjectShape, Properties } from '../../../src/transform/parse/shape.ts'
import { aLine, aReferral, aRegistration, rowsOf } from '../../support/referral-builder.ts'

function read(payload: unknown) {
  const result = readReferral(payload)
  if (!result.ok) throw new Error(`${result.reasonCode} ${result.itemPath}`)
  return result
}

const details = (changes: Record<string, unknown>) => aReferral({ details: changes })
const contract = (changes: object) =>
  aReferral({ registrations: [aRegistration({ contract: changes })] })
const line = (changes: object) =>
  aReferral({ registrations: [aRegistration({ solutionDetails: [aLine(changes)] })] })
/** `rule path` of the warnings, each once. */
const warned = (payload: unknown) => [
  ...new Set(read(payload).warnings.map(({ rule, itemPath }) => `${rule} ${itemPath}`)),
]

/** Every list of objects of the specification, as names from the root; `isBoth` has an object form. */
function listsOf(
  { properties }: ObjectShape<Properties>,
  above: readonly string[] = [],
): { path: readonly string[]; isBoth: boolean }[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    if (!('of' in property)) return []
    const path = [...above, name]
    const inner = listsOf(property.of, path)
    return property.kind === 'object'
      ? inner
      : [{ path, isBoth: property.kind === 'both' }, ...inner]
  })
}

const lists = listsOf(referralShape)

/** A payload in which the list at the path is the given value, and every list above has one item. */
function withAt(path: readonly string[], value: unknown, isRoot = true): Record<string, unknown> {
  const [name = '', ...rest] = path
  const inner = rest.length === 0 ? value : withAt(rest, value, false)
  const isList = lists.some(({ path: [first, ...more] }) => more.length === 0 && first === name)
  const own = { [name]: isList && rest.length > 0 ? [inner] : inner }
  return isRoot ? { ...aReferral(), ...own } : own
}

describe('one object where a list is usual', () => {
  test('the specification has the lists that the documentation names', () => {
    expect(lists.map(({ path }) => path.join('.'))).toEqual(
      expect.arrayContaining([
        'team',
        'customerProfile.team',
        'details.requirements.industries',
        'details.requirements.solutions',
        'details.requirements.offers',
        'registrations',
        'registrations.solutionDetails',
      ]),
    )
  })

  test.each(lists.map(({ path, isBoth }) => ({ name: path.join('.'), path, isBoth })))(
    'readReferral reads one object at $name as a list of one',
    ({ path, isBoth }) => {
      const object = { id: 'X', email: 'ida@example.com', policyName: 'P', profileType: 'External' }
      const single = read(withAt(path, object))
      const listed = read(withAt(path, [object]))
      expect(single.referral).toEqual(listed.referral)
      const rules = single.warnings.map(({ rule }) => rule)
      expect(rules).toEqual(isBoth ? [] : ['object_instead_of_list'])
      expect(listed.warnings).toEqual([])
    },
  )

  test('an empty object where a list is usual is no item', () => {
    const { referral } = read({ ...aReferral(), registrations: {}, team: {} })
    expect([referral.registrations, referral.team]).toEqual([[], []])
  })

  test('a person that is one object keeps the properties that have no column', () => {
    const { referral } = read({ ...aReferral(), team: { email: 'kim@example.com', badge: 7 } })
    expect(referral.team).toEqual([
      expect.objectContaining({ email: 'kim@example.com', extra: { badge: 7 } }),
    ])
  })
})

describe('a time without zone, a day without time', () => {
  test.each([
    ['2025-06-15T18:30:00', '2025-06-15T18:30:00.000000Z'],
    ['2025-06-15T18:30:00.1234567', '2025-06-15T18:30:00.123456Z'],
    ['2025-06-15 18:30', '2025-06-15T18:30:00.000000Z'],
    ['2025-08-01', '2025-08-01T00:00:00.000000Z'],
  ])('readReferral reads %s as UTC, with a warning', (wire, instant) => {
    const payload = aReferral({ expirationDateTime: wire })
    expect(read(payload).referral.expirationDateTime).toBe(instant)
    expect(warned(payload)).toEqual(['time_without_zone expirationDateTime'])
  })

  test('a contract from day to day has these days', () => {
    const days = { startDateTime: '2025-08-01', endDateTime: '2028-07-31' }
    const rows = rowsOf(contract({ ...days, value: 36_000, currency: 'USD', term: 'Finite' }))
    expect(rows['stg.fact_registration']).toMatchObject([
      {
        contract_start_date: '2025-08-01',
        contract_end_date: '2028-07-31',
        term_months: '36.0000',
        contract_acv_amount: '12000',
      },
    ])
  })

  test('a referral whose own times have no zone is ordered by them as UTC', () => {
    const [row] = rowsOf(
      aReferral({
        createdDateTime: '2025-02-05T17:27:47.875',
        updatedDateTime: '2025-03-05T06:29:18',
      }),
    )['stg.fact_referral']
    expect(row).toMatchObject({ created_at: '2025-02-05T17:27:47.875000Z' })
  })
})

describe('an odd value in an optional property', () => {
  test.each([
    { wire: { ...aReferral(), name: {} }, path: 'name' },
    { wire: { ...aReferral(), details: [] }, path: 'details' },
    { wire: { ...aReferral(), details: 'none' }, path: 'details' },
    { wire: { ...aReferral(), registrations: 'see attachment' }, path: 'registrations' },
    { wire: { ...aReferral(), registrations: [7] }, path: 'registrations[]' },
    { wire: { ...aReferral(), target: 'msft' }, path: 'target' },
    { wire: { ...aReferral(), team: [{ email: {} }] }, path: 'team[].email' },
    { wire: { ...aReferral(), customerProfile: ['a list'] }, path: 'customerProfile' },
    { wire: details({ dealValue: '10,000.50' }), path: 'details.dealValue' },
    { wire: details({ dealValue: '$10000' }), path: 'details.dealValue' },
    { wire: details({ dealValue: 1e21 }), path: 'details.dealValue' },
    { wire: details({ dealValue: true }), path: 'details.dealValue' },
    { wire: details({ closingDateTime: '06/15/2025' }), path: 'details.closingDateTime' },
    {
      wire: details({ requirements: { industries: ['x'] } }),
      path: 'details.requirements.industries[]',
    },
    { wire: contract({ value: 'much' }), path: 'registrations[].contract.value' },
    { wire: contract({ startDateTime: 'now' }), path: 'registrations[].contract.startDateTime' },
    {
      wire: line({ isDeployedOnAzure: 'Yes' }),
      path: 'registrations[].solutionDetails[].isDeployedOnAzure',
    },
    {
      wire: line({ incentives: { id: 'x' } }),
      path: 'registrations[].solutionDetails[].incentives',
    },
    {
      wire: line({ incentives: [{}, 'A'] }),
      path: 'registrations[].solutionDetails[].incentives[]',
    },
  ])(
    'the value at $path is left out with a warning, and the referral is read',
    ({ wire, path }) => {
      expect(warned(wire)).toEqual([`unreadable_value ${path}`])
    },
  )

  test('readReferral reads what stands beside an unreadable value', () => {
    const { referral } = read(details({ dealValue: '$10000', currency: 'EUR' }))
    expect(referral.details).toMatchObject({ dealValue: null, currency: 'EUR' })
    const { incentives } = read(line({ incentives: [{}, 'A'] })).referral.registrations[0]
      ?.solutionDetails[0] ?? { incentives: [] }
    expect(incentives).toEqual(['A'])
  })

  test('the warning about an unreadable value does not show it', () => {
    const wire = { ...aReferral(), team: [{ email: ['ida@example.com'] }] }
    expect(JSON.stringify(read(wire).warnings)).not.toContain('ida@')
  })
})

describe('HTML entities', () => {
  test('entities are decoded in tags, areas and incentives as in names', () => {
    const rows = rowsOf({
      ...aReferral({
        registrations: [aRegistration({ solutionDetails: [aLine({ incentives: ['A &amp; B'] })] })],
      }),
      solutionArea: 'Data &amp; AI',
      details: {
        requirements: {
          industries: [{ id: 'Communications &amp; Media' }],
          additionalRequirements: { attributes: [{ type: 'Own', id: 'R&#38;D' }] },
        },
      },
    })
    const tags = rows['stg.dim_tag'].map(({ tag_type, tag_id }) => `${tag_type} ${tag_id}`)
    expect(tags).toEqual(
      expect.arrayContaining([
        'Industry Communications & Media',
        'Own R&D',
        'SolutionArea Data & AI',
        'Incentive A & B',
      ]),
    )
    expect(rows['stg.enum_value'].map((row) => row.enum_name)).not.toContain('Industries')
  })
})
