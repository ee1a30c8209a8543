import { describe, expect, test } from 'vitest'
import { excerptAt } from '../../src/quarantine/excerpt.ts'

const marker = 'Ada Example'

const payload = {
  id: 'R-1',
  name: marker,
  status: 3,
  createdDateTime: '2024-02-30T10:00:00Z',
  details: { dealValue: '12,5', currency: 'EUR', notes: marker, requirements: { offers: [1, 2] } },
  customerProfile: { name: marker, size: 7, address: { city: marker } },
  inviteContext: { invitedBy: { organizationName: marker } },
  registrations: [
    { id: 'A' },
    { contract: { value: { amount: 5 }, isNew: true, endDateTime: null } },
  ],
}

describe('excerptAt', () => {
  test.each([
    { path: 'status', value: '3' },
    { path: 'createdDateTime', value: '"2024-02-30T10:00:00Z"' },
    { path: 'details.dealValue', value: '"12,5"' },
    { path: 'Details.DEALVALUE', value: '"12,5"' },
    { path: 'registrations[1].contract.endDateTime', value: 'null' },
    { path: 'details.requirements.offers[1]', value: '2' },
  ])('excerptAt shows the plain value $value at $path', ({ path, value }) => {
    expect(excerptAt(payload, path).value).toBe(value)
  })

  test.each([
    { path: 'name', why: 'a name' },
    { path: 'details.notes', why: 'notes' },
    { path: 'customerProfile.size', why: 'beside a name' },
    { path: 'customerProfile.address.city', why: 'an address' },
    { path: 'inviteContext.invitedBy.organizationName', why: 'a person who invited' },
    { path: 'team[0].email', why: 'a person' },
    { path: 'registrations[1].contract.value', why: 'no plain value' },
    { path: 'registrations[7].contract.value', why: 'not there' },
    { path: '', why: 'the whole referral' },
  ])('excerptAt hides the value at $path: $why', ({ path }) => {
    const excerpt = excerptAt(payload, path)
    expect(excerpt.value).toBeNull()
    expect(JSON.stringify(excerpt)).not.toContain(marker)
  })

  test('excerptAt cuts a value at 120 characters', () => {
    const { value } = excerptAt({ status: 'x'.repeat(5_000) }, 'status')
    expect(value).toBe(`"${'x'.repeat(119)}…`)
  })
})

test('excerptAt shows types, never values, of the parent', () => {
  expect(excerptAt(payload, 'details.dealValue')).toEqual({
    parent_path: 'details',
    parent: {
      dealValue: 'text of 4',
      currency: 'text of 3',
      notes: 'text of 11',
      requirements: 'object of 1',
    },
    value: '"12,5"',
  })
  expect(excerptAt(payload, 'registrations[1].contract.value')).toMatchObject({
    parent_path: 'registrations[1].contract',
    parent: { value: 'object of 1', isNew: 'true or false', endDateTime: 'null' },
  })
})

test('excerptAt hides even the types below people', () => {
  expect(excerptAt(payload, 'customerProfile.address.city').parent).toEqual({})
})

test.each([
  { why: 'not an object', wire: 'text' },
  { why: 'null', wire: null },
  { why: 'a list', wire: [] },
])('excerptAt shows no types of a payload that is $why', ({ wire }) => {
  expect(excerptAt(wire, 'a.b')).toEqual({ parent_path: '', parent: {}, value: null })
})

test('excerptAt cuts the list of properties at 40', () => {
  const wide = Object.fromEntries(Array.from({ length: 50 }, (_, no) => [`p${no}`, no]))
  const { parent } = excerptAt(wide, 'p1')
  expect(Object.keys(parent)).toHaveLength(41)
  expect(parent['…']).toBe('10 more')
})
