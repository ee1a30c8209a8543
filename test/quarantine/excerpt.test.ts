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

describe('the value is shown where it is a plain one outside people and free text', () => {
  test.each([
    { path: 'status', value: '3' },
    { path: 'createdDateTime', value: '"2024-02-30T10:00:00Z"' },
    { path: 'details.dealValue', value: '"12,5"' },
    { path: 'Details.DEALVALUE', value: '"12,5"' },
    { path: 'registrations[1].contract.endDateTime', value: 'null' },
    { path: 'details.requirements.offers[1]', value: '2' },
  ])('$path: $value', ({ path, value }) => {
    expect(excerptAt(payload, path).value).toBe(value)
  })

  test.each([
    { path: 'name', why: 'a name' },
    { path: 'details.notes', why: 'notes' },
    { path: 'customerProfile.size', why: 'beside a name' },
    { path: 'customerProfile.address.city', why: 'an address' },
    { path: 'inviteContext.invitedBy.organizationName', why: 'who invited' },
    { path: 'team[0].email', why: 'a person' },
    { path: 'registrations[1].contract.value', why: 'no plain value' },
    { path: 'registrations[7].contract.value', why: 'nothing there' },
    { path: '', why: 'the whole' },
  ])('and not for $path: $why', ({ path }) => {
    const excerpt = excerptAt(payload, path)
    expect(excerpt.value).toBeNull()
    expect(JSON.stringify(excerpt)).not.toContain(marker)
  })

  test('cut at a length', () => {
    const { value } = excerptAt({ status: 'x'.repeat(5_000) }, 'status')
    expect(value).toBe(`"${'x'.repeat(119)}…`)
  })
})

test('around it there are types, never values', () => {
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

test('nothing of people is told, not even the shape', () => {
  expect(excerptAt(payload, 'customerProfile.address.city').parent).toEqual({})
})

test.each([
  { why: 'no object', wire: 'text' },
  { why: 'nothing', wire: null },
  { why: 'a list', wire: [] },
])('a payload that is $why has no shape', ({ wire }) => {
  expect(excerptAt(wire, 'a.b')).toEqual({ parent_path: '', parent: {}, value: null })
})

test('an object with very many properties is cut too', () => {
  const wide = Object.fromEntries(Array.from({ length: 50 }, (_, no) => [`p${no}`, no]))
  const { parent } = excerptAt(wide, 'p1')
  expect(Object.keys(parent)).toHaveLength(41)
  expect(parent['…']).toBe('10 more')
})
