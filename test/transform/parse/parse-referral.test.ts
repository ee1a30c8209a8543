import { describe, expect, test } from 'vitest'
import { readReferral } from '../../../src/transform/parse/parse-referral.ts'
import { knownUnmapped } from '../../../src/transform/parse/properties.ts'
import { aLine, aReferral, aRegistration } from '../../support/referral-builder.ts'

function invalidOf(payload: unknown) {
  const read = readReferral(payload)
  return read.ok ? null : { reason: read.reasonCode, path: read.itemPath, detail: read.detail }
}

function read(payload: unknown) {
  const result = readReferral(payload)
  if (!result.ok) throw new Error(`${result.reasonCode} ${result.itemPath}`)
  return result
}

const details = (changes: Record<string, unknown>) => aReferral({ details: changes })
const line = (changes: object) =>
  aReferral({ registrations: [aRegistration({ solutionDetails: [aLine(changes)] })] })
const nested = (depth: number): unknown => (depth === 0 ? 'end' : { deeper: nested(depth - 1) })

describe('readReferral of an invalid payload', () => {
  test.each([
    { wire: null, reason: 'not_an_object', path: '' },
    { wire: [], reason: 'not_an_object', path: '' },
    { wire: 'text', reason: 'not_an_object', path: '' },
    { wire: aReferral({ id: null }), reason: 'missing_property', path: 'id' },
    { wire: aReferral({ id: ' ' }), reason: 'missing_property', path: 'id' },
    { wire: aReferral({ status: '' }), reason: 'missing_property', path: 'status' },
    {
      wire: aReferral({ createdDateTime: null }),
      reason: 'missing_property',
      path: 'createdDateTime',
    },
    {
      wire: aReferral({ createdDateTime: '0001-01-01T00:00:00Z' }),
      reason: 'missing_property',
      path: 'createdDateTime',
    },
    { wire: { ...aReferral(), status: 3 }, reason: 'wrong_type', path: 'status' },
    { wire: { ...aReferral(), status: ['New'] }, reason: 'wrong_type', path: 'status' },
    {
      wire: { ...aReferral(), createdDateTime: {} },
      reason: 'wrong_type',
      path: 'createdDateTime',
    },
    {
      wire: { ...aReferral(), updatedDateTime: 1765358281 },
      reason: 'wrong_type',
      path: 'updatedDateTime',
    },
    {
      wire: { ...aReferral(), updatedDateTime: '10/12/2025' },
      reason: 'invalid_instant',
      path: 'updatedDateTime',
    },
    {
      wire: line({ id: 'S'.repeat(401) }),
      reason: 'text_too_long',
      path: 'registrations[0].solutionDetails[0].id',
    },
    {
      wire: { ...aReferral(), statusReason: 'x'.repeat(1_048_577) },
      reason: 'text_too_long',
      path: 'statusReason',
    },
    {
      wire: { ...aReferral(), unheardOf: 'x'.repeat(1_048_577) },
      reason: 'text_too_long',
      path: '',
    },
    { wire: { ...aReferral(), unheardOf: nested(40) }, reason: 'too_deep', path: '' },
    {
      wire: {
        ...aReferral(),
        ...Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`k${n}`, n])),
      },
      reason: 'too_many_keys',
      path: '',
    },
    {
      wire: {
        ...aReferral(),
        unheardOf: Object.fromEntries(Array.from({ length: 1e5 }, (_, n) => [`k${n}`, n])),
      },
      reason: 'too_many_keys',
      path: '',
    },
    {
      wire: { ...aReferral(), target: Array.from({ length: 1_001 }, () => ({})) },
      reason: 'too_many_items',
      path: 'target',
    },
  ])('readReferral rejects a payload with $reason at "$path"', ({ wire, reason, path }) => {
    expect(invalidOf(wire)).toMatchObject({ reason, path })
  })

  test('the reason of an invalid payload names types and never the value', () => {
    const invalid = invalidOf({ ...aReferral(), status: ['ida@example.com'] })
    expect(invalid?.detail).toBe('expected text, got a list')
  })
})

describe('readReferral of unusual spellings', () => {
  test.each([
    { value: '50000', read: 500_000_000n },
    { value: 50_000, read: 500_000_000n },
    { value: ' 5e4 ', read: 500_000_000n },
    { value: '999999999999999.9999', read: 9_999_999_999_999_999_999n },
    { value: '-0.5', read: -5_000n },
    { value: '', read: null },
    { value: null, read: null },
  ])('readReferral reads the amount $value', ({ value, read: amount }) => {
    expect(read(details({ dealValue: value })).referral.details?.dealValue).toBe(amount)
  })

  test.each([
    [true, true],
    ['true', true],
    [' FALSE ', false],
    ['', null],
  ])('readReferral reads the flag %j', (wire, flag) => {
    const payload = { ...aReferral(), consent: { consentToContact: wire } }
    expect(read(payload).referral.consent?.consentToContact).toBe(flag)
  })

  test('readReferral reads a number where text is expected', () => {
    expect(read({ ...aReferral(), mpnId: 7654321 }).referral.mpnId).toBe('7654321')
  })

  test('readReferral decodes HTML entities in names and not in other text', () => {
    const { referral } = read(aReferral({ name: ' A &amp; B ', statusReason: 'A &amp; B' }))
    expect([referral.name, referral.statusReason]).toEqual(['A & B', 'A &amp; B'])
  })

  test('readReferral replaces NUL by its picture', () => {
    expect(read(aReferral({ name: 'a\0b' })).referral.name).toBe('a\u2400b')
  })

  test('readReferral reads null, empty and absent alike', () => {
    const { name: _name, details: _details, target: _target, ...absent } = aReferral()
    const empty = { ...absent, name: '  ', details: null, target: [null] }
    const nothing = { ...absent, name: null, details: null, target: null }
    expect(read(empty).referral).toEqual(read(absent).referral)
    expect(read(nothing).referral).toEqual(read(absent).referral)
  })

  test('readReferral reads a target that is an object, as documented', () => {
    const target = { id: 'msft', type: 'BusinessProfileLocation' }
    expect(read(aReferral({ target })).referral.target).toEqual([target])
  })

  test('readReferral drops an implausible date with a warning', () => {
    const { referral, warnings } = read(aReferral({ acceptedDateTime: '1900-01-01T00:00:00Z' }))
    expect(referral.acceptedDateTime).toBeNull()
    expect(warnings).toEqual([
      {
        rule: 'implausible_date',
        itemPath: 'acceptedDateTime',
        detail: 'outside 2000 to 2099, or no such day',
        observed: '1900-01-01T00:00:00',
      },
    ])
  })
})

describe('several spellings of one property', () => {
  test.each([
    { wire: { name: 'a', Name: 'b' }, name: 'a' },
    { wire: { Name: 'b', name: 'a' }, name: 'a' },
    { wire: { Name: 'b', name: null }, name: 'b' },
    { wire: { NAME: 'c', Name: 'b' }, name: 'c' },
    { wire: { Name: 'b', NAME: 'c' }, name: 'c' },
  ])('readReferral of several spellings: $wire', ({ wire, name }) => {
    const { name: _name, ...rest } = aReferral()
    expect(read({ ...rest, ...wire }).referral.name).toBe(name)
  })

  test.each([
    { consent: { consentToToShareInfoWithOthers: true, consentToShareInfoWithOthers: false } },
    { consent: { ConsentToShareInfoWithOthers: false, ConsentToToShareInfoWithOthers: true } },
    { consent: { ConsentToShareInfoWithOthers: true } },
  ])('readReferral reads the doubled "To" of $consent', ({ consent }) => {
    const { referral } = read({ ...aReferral(), consent })
    expect(referral.consent?.consentToToShareInfoWithOthers).toBe(true)
  })

  test('readReferral takes @odata.etag where eTag is missing', () => {
    const { eTag: _eTag, ...rest } = aReferral()
    expect(read({ ...rest, '@odata.etag': '"7"' }).referral.eTag).toBe('"7"')
    expect(read({ ...rest, eTag: '"8"', '@odata.etag': '"7"' }).referral.eTag).toBe('"8"')
  })
})

describe('properties without a column', () => {
  test('unmapped properties are named by path, once, when they hold a value', () => {
    const { unmapped } = read({
      ...aReferral({ registrations: [aRegistration({ extra: 1 }), aRegistration({ extra: 2 })] }),
      estimatedAcr: 12,
      nothing: [],
    })
    expect(unmapped.filter((path) => !knownUnmapped.has(path))).toEqual([
      'registrations[].extra',
      'estimatedAcr',
    ])
  })

  test('an unmapped __proto__ is harmless', () => {
    const wire: unknown = JSON.parse(
      '{"id":"1","status":"New","createdDateTime":"2025-01-01T00:00:00Z","__proto__":{"name":"x"}}',
    )
    const { referral, unmapped } = read(wire)
    expect(referral.name).toBeNull()
    expect(unmapped).toEqual(['__proto__'])
    expect({}).not.toHaveProperty('name')
  })
})
