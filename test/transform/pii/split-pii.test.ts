import { describe, expect, test } from 'vitest'
import { readReferral } from '../../../src/transform/parse/parse-referral.ts'
import { cutPeople } from '../../../src/transform/pii/split-pii.ts'
import { aReferral, referralId } from '../../support/referral-builder.ts'

const personal = /Ida|Olav|example\.com"|\+47|before noon/

function inPascalCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inPascalCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.charAt(0).toUpperCase() + key.slice(1),
      inPascalCase(item),
    ]),
  )
}

describe.each([
  { casing: 'camelCase', wire: aReferral() },
  { casing: 'PascalCase', wire: inPascalCase(aReferral()) },
])('a referral in $casing', ({ wire }) => {
  test('has no person and no note left in its payload', () => {
    const { payload, people } = cutPeople(wire)
    expect(JSON.stringify(payload)).not.toMatch(personal)
    expect(JSON.stringify(people)).toMatch(personal)
  })

  test('is whole again when both parts are read', () => {
    const { payload, people } = cutPeople(wire)
    const whole = readReferral(wire)
    const parts = readReferral(payload, people)
    expect(parts).toEqual(whole)
  })

  test('is named by its id and its update time as received', () => {
    expect(cutPeople(wire)).toMatchObject({
      resourceId: referralId,
      sourceUpdatedText: '2025-12-10T09:18:01.7654321Z',
      sourceUpdatedAt: '2025-12-10T09:18:01.765432Z',
    })
  })
})

test.each([
  { wire: { ...aReferral(), customerProfile: [aReferral().customerProfile] } },
  { wire: { ...aReferral(), details: 'Ida called before noon' } },
  { wire: { ...aReferral(), Team: aReferral().team } },
  { wire: [aReferral()] },
  { wire: 'Ida' },
])('people do not stay behind in another shape', ({ wire }) => {
  const { payload, people } = cutPeople(wire)
  expect(JSON.stringify(payload)).not.toMatch(personal)
  expect(JSON.stringify(people)).toMatch(personal)
})

describe('the update time', () => {
  const { updatedDateTime: _updated, ...rest } = aReferral()
  test.each([
    { why: 'is the creation when there is none', wire: rest, text: '2025-09-01T08:15:30.1234567Z' },
    {
      why: 'is the creation when it cannot be',
      wire: aReferral({ updatedDateTime: '9999-12-31T23:59:59Z' }),
      text: '2025-09-01T08:15:30.1234567Z',
    },
    {
      why: 'is none when both cannot be',
      wire: { updatedDateTime: 5, createdDateTime: 'x' },
      text: null,
    },
  ])('$why', ({ wire, text }) => expect(cutPeople(wire).sourceUpdatedText).toBe(text))
})

describe('the canonical text', () => {
  const textOf = (wire: unknown) => cutPeople(wire).canonical

  test('ignores the order of keys and lists, links, etag and annotations', () => {
    const one = {
      id: 'a',
      tags: [{ id: 'x', n: 1 }, { id: 'y' }],
      links: 1,
      eTag: '1',
      '@odata.x': 1,
    }
    const other = { ETag: '2', Links: {}, tags: [{ id: 'y' }, { n: 1, id: 'x' }], id: 'a' }
    expect(textOf(one)).toBe(textOf(other))
  })

  test.each([
    [{ tags: ['a', 'b'] }, { tags: ['a', 'b', 'b'] }],
    [{ a: 1 }, { a: '1' }],
    [{ a: null }, {}],
    [{ a: [1, 2] }, { a: [12] }],
    [{ a: ['b,c'] }, { a: ['b', 'c'] }],
    [{ details: { links: 1 } }, { details: { links: 2 } }],
    [{ team: [{ email: 'a@example.com' }] }, { team: [{ email: 'b@example.com' }] }],
  ])('tells %j from %j', (one, other) => expect(textOf(one)).not.toBe(textOf(other)))
})

describe('a hostile payload', () => {
  test('with a key __proto__ keeps it as a key', () => {
    const wire: unknown = JSON.parse(
      '{"id":"1","__proto__":{"x":1},"details":{"__proto__":{"y":1}}}',
    )
    const { payload } = cutPeople(wire)
    expect(JSON.stringify(payload)).toBe(JSON.stringify(wire))
    expect({}).not.toHaveProperty('x')
  })

  test('nested without end is cut short, and still too deep to be loaded', () => {
    let deep: unknown = 'end'
    for (let depth = 0; depth < 100_000; depth++) deep = [deep]
    const { payload, people } = cutPeople({ ...aReferral(), unheardOf: deep })
    expect(JSON.stringify(payload).length).toBeLessThan(10_000)
    expect(readReferral(payload, people)).toMatchObject({ ok: false, reasonCode: 'too_deep' })
  })
})
