import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toRows } from '../../src/transform/to-rows.ts'
import {
  aLine,
  aMember,
  aReferral,
  aRegistration,
  landed,
  only,
  rowsOf,
  rowsOfVersions,
} from '../support/referral-builder.ts'
import { transformContext } from '../support/transform-context.ts'

const busyReferral = () =>
  aReferral({
    target: [
      { type: 'SolutionProfile', id: 'SOL-1' },
      { type: 'BusinessProfileLocation', id: 'msft' },
      { type: 'SolutionProfile', id: 'SOL-2' },
    ],
    team: [
      aMember('zoe@example.com', 'Zoe', 'Aas'),
      aMember('Ada@example.com', 'Ada', 'Moe'),
      { ...aMember('', 'Ada', 'Moe'), nickname: 'A' },
      aMember('', 'Bo', 'Moe'),
    ],
    details: {
      dealValue: '100.01',
      currency: 'usd',
      requirements: {
        industries: [{ id: 'Healthcare' }, { id: 'Education' }, { id: 'education' }],
        products: [{ id: 'Teams' }, { id: 'Unheard of' }, { id: 'Azure' }],
        solutions: [
          { id: 'SOL-9', name: 'Nine' },
          { id: 'SOL-1', name: 'One', quantity: 2, price: '4.5' },
          { id: 'SOL-1', name: 'Uno', quantity: 1 },
          { name: 'Nameless' },
        ],
        offers: [{ id: 'OFF-2' }, { id: 'OFF-1', offerType: '1P' }],
        additionalRequirements: {
          attributes: [
            { type: 'SolutionPlay', id: 'Data Security' },
            { type: 'Colour', id: 'blue' },
            { type: 'Colour', id: 'amber' },
          ],
        },
      },
    },
    registrations: [
      aRegistration({
        id: 'REG-2',
        solutionDetails: [
          aLine({ id: 'SOL-9', value: '33.33', incentives: ['b', 'a'], pricingModel: 'new' }),
          aLine({ id: 'SOL-1', value: 12, name: 'One, renamed' }),
          aLine({ id: 'SOL-1', value: 11, isDeployedOnAzure: false }),
        ],
      }),
      aRegistration({ id: 'REG-1', solutionDetails: [] }),
    ],
  })

/** The same JSON with every list in another order. */
function shuffled(value: unknown, pick: (length: number) => number): unknown {
  if (Array.isArray(value)) {
    const rest = value.map((item) => shuffled(item, pick))
    return value.map(() => rest.splice(pick(rest.length), 1)[0])
  }
  if (typeof value !== 'object' || value === null) return value
  const rest = Object.entries(value)
  const entries = Object.entries(value).map(() => rest.splice(pick(rest.length), 1)[0])
  return Object.fromEntries(
    entries.flatMap((entry) => (entry ? [[entry[0], shuffled(entry[1], pick)]] : [])),
  )
}

describe('rows of one referral', () => {
  test('toRows does not depend on the order of lists and keys', () => {
    const expected = rowsOf(busyReferral())
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const pick = (length: number) => (numbers.next().value ?? 0) % length
        expect(rowsOf(shuffled(busyReferral(), pick))).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('toRows returns equal rows every time', () => {
    expect(JSON.stringify(rowsOf(busyReferral()))).toBe(JSON.stringify(rowsOf(busyReferral())))
  })

  test('toRows leaves the payload unchanged', () => {
    const landing = landed([{ wire: busyReferral() }])
    const before = JSON.stringify(landing)
    toRows(landing, transformContext)
    expect(JSON.stringify(landing)).toBe(before)
  })

  test('toRows weights the tags of a group to a sum of one', () => {
    const sums = new Map<string, number>()
    for (const { tag_group, tag_type, weight } of rowsOf(busyReferral())[
      'stg.bridge_referral_tag'
    ]) {
      const key = `${tag_group} ${tag_type}`
      sums.set(key, (sums.get(key) ?? 0) + Math.round(Number(weight) * 1e6))
    }
    expect([...sums.values()].every((sum) => sum === 1_000_000)).toBe(true)
    expect(sums.size).toBe(7)
  })

  test('toRows allocates the deal value to solutions and none of it to offers', () => {
    const rows = rowsOf(busyReferral())['stg.fact_referral_solution']
    expect(
      rows.map((row) => [
        row.line_no,
        row.solution_id,
        row.weight,
        row.allocated_deal_value_amount,
      ]),
    ).toEqual([
      [1, 'SOL-1', '0.250000', '25'],
      [2, 'SOL-1', '0.250000', '25.01'],
      [3, 'SOL-9', '0.250000', '25'],
      [4, 'name:nameless', '0.250000', '25'],
      [5, 'OFF-1', '0', '0'],
      [6, 'OFF-2', '0', '0'],
    ])
    expect(rows.find((row) => row.price_amount !== null)?.line_amount).toBe('9')
  })

  test('toRows orders people by e-mail address, then by name', () => {
    const people = rowsOf(busyReferral())['stg.contact']
    expect(
      people.filter((row) => row.contact_role === 'referral_team').map((row) => row.first_name),
    ).toEqual(['Ada', 'Bo', 'Ada', 'Zoe'])
    expect(people.map((row) => row.extra)).toContain('{"nickname":"A"}')
    expect(only(rowsOf(busyReferral())['stg.dim_referral']).team_member_count).toBe(4)
  })

  test('toRows hashes a person by e-mail address in any case, else by the phone digits', () => {
    const hashOf = (changes: object) => {
      const team = [{ ...aMember('ada@example.com', 'A', 'B'), ...changes }]
      const rows = rowsOf(aReferral({ team }))['stg.contact']
      return rows.find((row) => row.contact_role === 'referral_team')?.contact_hash
    }
    expect(hashOf({ email: ' ADA@Example.com ' })).toBe(hashOf({}))
    expect(hashOf({ email: null, phoneNumber: '+47 (55) 1' })).toBe(
      hashOf({ email: '', phoneNumber: '47551' }),
    )
    expect(hashOf({ email: null, phoneNumber: 'ask' })).toBeNull()
  })

  test('toRows puts the contract of a registration without lines on a placeholder line', () => {
    const rows = rowsOf(aReferral({ registrations: [aRegistration({ solutionDetails: [] })] }))
    expect(only(rows['stg.fact_registration_solution'])).toMatchObject({
      line_no: 0,
      solution_id: '(none)',
      allocated_contract_value_amount: '120000',
      allocated_contract_acv_amount: '40000',
      solution_value_amount: null,
    })
    expect(rows['stg.dim_solution'].map((row) => row.solution_id)).toContain('(none)')
    expect(rows['stg.fact_acv_schedule']).toHaveLength(3)
  })

  test('toRows puts the whole amount into year 0 of a contract without dates', () => {
    const contract = { value: 60_000, currency: 'USD', term: 'Perpetual' }
    const rows = rowsOf(aReferral({ registrations: [aRegistration({ contract })] }))
    expect(only(rows['stg.fact_registration'])).toMatchObject({
      acv_status: 'perpetual_no_start',
      contract_acv_amount: '10000',
    })
    expect(only(rows['stg.fact_acv_schedule'])).toMatchObject({
      contract_year_no: 0,
      period_start_date: null,
      scheduled_contract_amount: '60000',
      scheduled_solution_amount: '100000',
    })
  })

  test('toRows gives no solution total when a line has another currency', () => {
    const solutionDetails = [aLine({ currency: 'EUR' }), aLine({ id: 'SOL-2', value: 5 })]
    const rows = rowsOf(aReferral({ registrations: [aRegistration({ solutionDetails })] }))
    expect(only(rows['stg.fact_registration'])).toMatchObject({
      solution_value_amount: null,
      nonrecurring_amount: null,
    })
    const lines = rows['stg.fact_registration_solution']
    expect(lines.map((line) => line.allocated_contract_value_amount)).toEqual(['60000', '60000'])
  })

  test('toRows accepts a payload of three properties', () => {
    const wire = { id: aReferral().id, status: 'New', createdDateTime: '2025-01-01T00:00:00Z' }
    const rows = rowsOf(wire)
    expect(only(rows['stg.dim_referral'])).toMatchObject({
      referral_substatus: '(Not provided)',
      registration_status: 'None',
      source_updated_at: '2025-01-01T00:00:00.000000Z',
    })
    expect(only(rows['stg.dim_customer']).customer_name).toBe('(Unknown)')
    expect(only(rows['stg.fact_referral'])).toMatchObject({
      currency_code: 'XXX',
      deal_value_amount: null,
      updated_date: '2025-01-01',
    })
  })

  test('toRows reads customer ids as a list and as an object alike', () => {
    const withIds = (ids: object) => aReferral({ customerProfile: { name: 'A', ids } })
    const list = [
      { profileType: 'External', id: 'C-1' },
      { type: 'moodys', id: 'M-1' },
    ]
    const [fromList] = rowsOf(withIds(list))['stg.dim_customer']
    expect(fromList).toEqual(
      rowsOf(withIds({ external: 'C-1', moodys: 'M-1' }))['stg.dim_customer'][0],
    )
    expect(fromList?.customer_match_id).toBe('moodys:M-1')
  })

  test.each([
    ['Puffin Logistics Ltd.', 'puffin LOGISTICS, limited'],
    ['Tern S.A.', 'Tern SA'],
    ['Gull & Co. KG', 'gull'],
  ])('toRows gives %s and %s one customer label', (one, other) => {
    const matchOf = (name: string) =>
      rowsOf(aReferral({ customerProfile: { name } }))['stg.dim_customer'][0]?.customer_match_id
    expect(matchOf(one)).toBe(matchOf(other))
  })

  test('toRows includes dimension members of earlier versions', () => {
    const earlier = aReferral({
      updatedDateTime: '2025-10-01T00:00:00Z',
      status: 'Active',
      substatus: 'Accepted',
      closedDateTime: null,
      registrations: [],
      customerProfile: { name: 'Old name' },
      details: { requirements: { products: [{ id: 'Teams' }], solutions: [{ id: 'SOL-OLD' }] } },
    })
    const rows = rowsOfVersions([{ wire: aReferral() }, { wire: earlier }])
    expect(rows['stg.dim_customer'].map((row) => row.customer_name)).toContain('Old name')
    expect(rows['stg.dim_tag'].map((row) => row.tag_id)).toContain('Teams')
    expect(rows['stg.dim_solution'].map((row) => row.solution_id)).toContain('SOL-OLD')
    expect(rows['stg.bridge_referral_tag'].map((row) => row.tag_id)).not.toContain('Teams')
  })

  test('toRows puts people and notes into the restricted tables alone', () => {
    const rows = rowsOf(busyReferral())
    const { 'stg.contact': _c, 'stg.referral_text': _t, 'stg.dim_seller': sellers, ...open } = rows
    expect(JSON.stringify(open)).not.toMatch(/Ada|Zoe|example\.com|\+47|nickname|before noon/)
    // Of a seller no more than the domain leaves them.
    expect(sellers.map((row) => row.email_domain)).toContain('example.com')
    expect(JSON.stringify(sellers)).not.toMatch(/Ada|Zoe|@|\+47|nickname/)
  })
})

describe('toRows of an invalid payload', () => {
  test('toRows quarantines an invalid newest version whole', () => {
    const versions = [
      { wire: aReferral() },
      { wire: aReferral({ updatedDateTime: '2025-12-11T00:00:00Z', status: null }) },
    ]
    const transformed = toRows(landed(versions), transformContext)
    expect(transformed).toMatchObject({ kind: 'quarantined', invalid: { itemPath: 'status' } })
    const { 'stg.quarantine': quarantine, ...rest } = transformed.rows
    expect(only(quarantine)).toMatchObject({ version_no: 2, reason_code: 'missing_property' })
    expect(Object.values(rest).flat()).toEqual([])
  })

  test('toRows does not quarantine a referral for an older version', () => {
    const old = aReferral({ updatedDateTime: '2025-11-01T00:00:00Z', status: null })
    const rows = rowsOfVersions([{ wire: old }, { wire: aReferral() }])
    expect(only(rows['stg.quarantine'])).toMatchObject({ version_no: 1 })
    expect(only(rows['stg.dq_finding'])).toMatchObject({ rule_code: 'version_not_readable' })
    expect(rows['stg.fact_referral']).toHaveLength(1)
  })

  test('toRows quarantines a payload with another id than it was landed under', () => {
    const transformed = toRows(landed([{ wire: aReferral({ id: 'other' }) }]), transformContext)
    expect(transformed).toMatchObject({
      kind: 'quarantined',
      invalid: { reasonCode: 'id_mismatch' },
    })
  })

  test('toRows quarantines a referral with landed absences alone', () => {
    expect(toRows(landed([]), transformContext)).toMatchObject({
      kind: 'quarantined',
      invalid: { reasonCode: 'no_payload' },
    })
  })
})
