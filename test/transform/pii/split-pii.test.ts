import { describe, expect, test } from 'vitest'
import { readReferral } from '../../../src/transform/parse/parse-referral.ts'
import { splitPii } from '../../../src/transform/pii/split-pii.ts'
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
  test('splitPii leaves no person and no note in the payload', () => {
    const { payload, people } = splitPii(wire)
    expect(JSON.stringify(payload)).not.toMatch(personal)
    expect(JSON.stringify(people)).toMatch(personal)
  })

  test('payload and people together are the whole referral', () => {
    const { payload, people } = splitPii(wire)
    const whole = readReferral(wire)
    const parts = readReferral(payload, people)
    expect(parts).toEqual(whole)
  })

  test('splitPii returns the id and the update time as received', () => {
    expect(splitPii(wire)).toMatchObject({
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
])('splitPii removes people in another shape', ({ wire }) => {
  const { payload, people } = splitPii(wire)
  expect(JSON.stringify(payload)).not.toMatch(personal)
  expect(JSON.stringify(people)).toMatch(personal)
})

describe('the update time', () => {
  const { updatedDateTime: _updated, ...rest } = aReferral()
  test.each([
    {
      why: 'is the creation when the payload has no update time',
      wire: rest,
      text: '2025-09-01T08:15:30.1234567Z',
    },
    {
      why: 'is the creation when the update time is implausible',
      wire: aReferral({ updatedDateTime: '9999-12-31T23:59:59Z' }),
      text: '2025-09-01T08:15:30.1234567Z',
    },
    {
      why: 'is null when neither is an instant',
      wire: { updatedDateTime: 5, createdDateTime: 'x' },
      text: null,
    },
  ])('the update time from splitPii $why', ({ wire, text }) =>
    expect(splitPii(wire).sourceUpdatedText).toBe(text),
  )
})

describe('the canonical text', () => {
  const textOf = (wire: unknown) => splitPii(wire).canonical

  test('the canonical text ignores the order of keys and lists, links, etag and annotations', () => {
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
  ])('the canonical text differs for %j and %j', (one, other) =>
    expect(textOf(one)).not.toBe(textOf(other)),
  )
})

describe('a hostile payload', () => {
  test('splitPii keeps a key __proto__ as a key', () => {
    const wire: unknown = JSON.parse(
      '{"id":"1","__proto__":{"x":1},"details":{"__proto__":{"y":1}}}',
    )
    const { payload } = splitPii(wire)
    expect(JSON.stringify(payload)).toBe(JSON.stringify(wire))
    expect({}).not.toHaveProperty('x')
  })

  test('splitPii cuts an endlessly nested payload, which stays too deep to be loaded', () => {
    let deep: unknown = 'end'
    for (let depth = 0; depth < 100_000; depth++) deep = [deep]
    const { payload, people } = splitPii({ ...aReferral(), unheardOf: deep })
    expect(JSON.stringify(payload).length).toBeLessThan(10_000)
    expect(readReferral(payload, people)).toMatchObject({ ok: false, reasonCode: 'too_deep' })
  })
})
