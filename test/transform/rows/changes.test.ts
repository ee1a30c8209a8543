import { describe, expect, test } from 'vitest'
import {
  aLine,
  aMember,
  aReferral,
  aRegistration,
  rowsOfVersions,
} from '../../support/referral-builder.ts'

const [firstSeen, secondSeen] = ['2025-12-05T02:00:00.000000Z', '2025-12-11T02:00:00.000000Z']
const updated = ['2025-12-04T10:00:00Z', '2025-12-10T09:18:01.765432Z']

/** Rows of two landed versions, the later one first where `isReversed`. */
function rowsOfTwo(before: object, after: object, isReversed = false) {
  const seen = [
    { wire: aReferral({ updatedDateTime: updated[0] ?? '', ...before }), at: firstSeen, no: 1 },
    { wire: aReferral({ updatedDateTime: updated[1] ?? '', ...after }), at: secondSeen, no: 2 },
  ]
  return rowsOfVersions(isReversed ? seen.reverse() : seen)
}

const asking = (...solutions: object[]) => ({
  details: {
    ...aReferral().details,
    requirements: { solutions, offers: [{ id: 'OFF-1', name: 'Kit' }] },
  },
})

describe('changes of solutions', () => {
  test('the solutions and offers of two versions give one row with both lists by name', () => {
    const before = asking({ id: 'S-2', name: 'Two' }, { id: 'S-1', name: 'One' })
    const after = asking({ id: 'S-1', name: 'One' }, { id: 'S-3', name: null })
    for (const isReversed of [false, true]) {
      expect(rowsOfTwo(before, after, isReversed)['stg.fact_solution_change']).toEqual([
        {
          partner_account_key: 1,
          referral_no: 7,
          change_no: 1,
          list_name: 'requested',
          changed_at: updated[1],
          observed_at: secondSeen,
          before_solutions: 'Kit | One | Two',
          after_solutions: 'Kit | One | S-3',
        },
      ])
    }
  })

  test('solutions that registrations sold are a list of their own', () => {
    const sold = (...names: string[]) => ({
      registrations: [
        aRegistration({ solutionDetails: names.map((name) => aLine({ id: `id ${name}`, name })) }),
      ],
    })
    const rows = rowsOfTwo({ registrations: [] }, sold('B', 'A', 'B'))['stg.fact_solution_change']
    expect(rows).toMatchObject([
      { list_name: 'sold', before_solutions: '', after_solutions: 'A | B' },
    ])
  })

  test('the same solutions in another order are no change, nor is a referral seen once', () => {
    const one = { id: 'S-1', name: 'One' }
    const two = { id: 'S-2', name: 'Two' }
    expect(rowsOfTwo(asking(one, two), asking(two, one))['stg.fact_solution_change']).toEqual([])
    expect(rowsOfVersions([{ wire: aReferral() }])['stg.fact_solution_change']).toEqual([])
  })

  test.each([
    ['another name of the same id', [{ id: 'S-1', name: 'One' }], [{ id: 'S-1', name: 'Uno' }], []],
    [
      'another id with the same name',
      [{ id: 'S-1', name: 'One' }],
      [{ id: 'S-2', name: 'One' }],
      ['Kit (OFF-1) | One (S-1) > Kit (OFF-1) | One (S-2)'],
    ],
    [
      'an id where there was none',
      [{ id: null, name: 'One' }],
      [{ id: 'S-1', name: 'One' }],
      ['Kit (OFF-1) | One > Kit (OFF-1) | One (S-1)'],
    ],
    [
      'two names that read as one before',
      [{ id: null, name: 'One | Two' }],
      [
        { id: null, name: 'One' },
        { id: null, name: 'Two' },
      ],
      ['Kit (OFF-1) | One | Two > Kit (OFF-1) | One | Two'],
    ],
    [
      'another spelling without an id',
      [{ id: null, name: 'One' }],
      [{ id: null, name: 'ONE' }],
      [],
    ],
  ])('solutions are compared by id, else by name: %s', (_, before, after, expected) => {
    const rows = rowsOfTwo(asking(...before), asking(...after))['stg.fact_solution_change']
    const texts = rows.map((row) => `${row.before_solutions} > ${row.after_solutions}`)
    expect(texts).toEqual(expected)
  })

  test('a change without a newer time of the source counts from when it was seen', () => {
    const same = { updatedDateTime: updated[0] ?? '' }
    const rows = rowsOfTwo(same, { ...same, ...asking({ id: 'S-9', name: 'Nine' }) })
    expect(rows['stg.fact_solution_change']).toMatchObject([{ changed_at: secondSeen }])
  })
})

describe('changes of people', () => {
  const ida = aMember('ida@example.com', 'Ida', 'Berg')
  const olav = aMember('olav@example.com', 'Olav', 'Lund')
  const kari = aMember('kari@example.com', 'Kari', 'Dahl')

  test('who leaves and who joins has a row each, in the role', () => {
    const rows = rowsOfTwo({ team: [olav, ida] }, { team: [kari, ida] })['stg.contact_change']
    expect(rows).toMatchObject([
      { change_no: 1, contact_role: 'referral_team', is_joining: false, email: 'olav@example.com' },
      { change_no: 2, contact_role: 'referral_team', is_joining: true, email: 'kari@example.com' },
    ])
    expect(rows[0]?.changed_at).toBe(updated[1])
    expect(rows[0]?.contact_hash).toMatch(/^[0-9a-f]+$/)
  })

  test('another phone number, order or spelling of the address is no change of people', () => {
    const again = { ...olav, phoneNumber: '+47 11', email: 'Olav@Example.com' }
    expect(rowsOfTwo({ team: [olav, ida] }, { team: [ida, again] })['stg.contact_change']).toEqual(
      [],
    )
  })

  test('one person in two roles changes in the one alone', () => {
    const customer = (team: object[]) => ({
      customerProfile: { ...aReferral().customerProfile, team },
    })
    const rows = rowsOfTwo({ team: [ida], ...customer([ida]) }, { team: [ida], ...customer([]) })
    expect(rows['stg.contact_change']).toMatchObject([
      { contact_role: 'customer', is_joining: false, first_name: 'Ida', last_name: 'Berg' },
    ])
  })

  test('people without an address are told apart by all that is known of them', () => {
    const known = (phoneNumber: string | null, title: string | null) => ({
      ...ida,
      ...{ email: null, firstName: null, lastName: null, phoneNumber, title },
    })
    const [buyer, seller, caller] = [
      known(null, 'Buyer'),
      known(null, 'Seller'),
      known('+47 1', null),
    ]
    const rows = rowsOfTwo({ team: [buyer] }, { team: [buyer, seller, caller] })
    expect(rows['stg.contact_change']).toMatchObject([
      { is_joining: true, title: 'Seller', phone_number: null },
      { is_joining: true, title: null, phone_number: '+47 1' },
    ])
    const left = rowsOfTwo({ team: [buyer] }, { team: [seller] })['stg.contact_change']
    expect(left.map(({ is_joining, title }) => [is_joining, title])).toEqual([
      [false, 'Buyer'],
      [true, 'Seller'],
    ])
  })
})
