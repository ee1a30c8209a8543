import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../../src/extract/http/exact-json.ts'

describe('numbers', () => {
  test.each<[string, unknown, string]>([
    ['{"a":123456789012345}', { a: 123456789012345 }, '15 digits fit a double'],
    ['{"a":1234567890123456}', { a: '1234567890123456' }, '16 digits may not'],
    ['{"a": -12345678901.23456}', { a: '-12345678901.23456' }, 'the point is no digit'],
    ['[1234567890123.45]', [1234567890123.45], '15 digits and a point'],
    ['{"a":1e3}', { a: '1e3' }, 'exponents keep their spelling'],
    ['{"a":1E-400}', { a: '1E-400' }, 'what would become zero'],
    ['{"a":[1,2,1e400]}', { a: [1, 2, '1e400'] }, 'what would become infinity'],
    ['{"a":0.0000001}', { a: '0.0000001' }, 'what a double would print with an exponent'],
    ['{"a":"x:1234567890123456789"}', { a: 'x:1234567890123456789' }, 'text is no number'],
    ['{"a":"\\",1e5","b":1e5}', { a: '",1e5', b: '1e5' }, 'a quote inside text does not end it'],
    ['{"a":"\\\\","b":1e5}', { a: '\\', b: '1e5' }, 'an escaped backslash does not escape'],
  ])('parseJson of the number %s: $2', (text, parsed) => expect(parseJson(text)).toEqual(parsed))

  test.each([
    '{12345678901234567:1}',
    '{"a":12345678901234567.}',
    '[0123456789012345678]',
    '[1e5',
    '["1e5',
    '[--1e5]',
    '[1e5 1e5]',
    '',
    '[1e5]{}',
  ])('parseJson rejects %s as JSON.parse does', (text) =>
    expect(() => parseJson(text)).toThrow(SyntaxError),
  )
})

describe('strings that PostgreSQL rejects', () => {
  test.each([
    ['"a\\u0000b"', 'a\ufffdb', 'U+0000'],
    ['"a\\ud83db"', 'a\ufffdb', 'high surrogate alone'],
    ['"a\\uDE00b"', 'a\ufffdb', 'low surrogate alone'],
    ['"a\\ude00\\ud83d"', 'a\ufffd\ufffd', 'a pair the wrong way round'],
    ['"a\\ud83d\\ude00"', 'a😀', 'a pair stays'],
    ['"\\\\u0000"', '\\u0000', 'an escaped backslash before u0000 is text'],
    ['"\\\\\\u0000"', '\\\ufffd', 'and a third backslash makes it an escape again'],
    [`"${'\ud83d'}"`, '\ufffd', 'a lone surrogate in the text itself'],
  ])('parseJson of the string %s gives %j: %s', (text, parsed) =>
    expect(parseJson(text)).toBe(parsed),
  )

  test('parseJson repairs keys as well', () =>
    expect(parseJson('{"a\\u0000":1}')).toEqual({ 'a\ufffd': 1 }))
})

test('parseJson equals JSON.parse where nothing needs repair', () => {
  const json = fc.json().filter((text) => !/[eE]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""')))
  fc.assert(
    fc.property(json, fc.boolean(), (text, withSuspect) => {
      // A suspicious number beside it makes the whole text take the slow path.
      const whole = withSuspect ? `[${text},1e5]` : `[${text},"1e5"]`
      const expected = JSON.parse(`[${text},"1e5"]`, (_key, value) =>
        typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value,
      )
      fc.pre(!/[\d.]{16}|0\.0{6}/.test(text))
      expect(parseJson(whole)).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

test('parseJson loses no digit of a decimal', () => {
  const plain = (text: string) =>
    text
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, '')
      .replace(/^-0$/, '0')
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.stringMatching(/^\d{1,8}$/))
    .map(([whole, fraction]) => `${whole}.${fraction}`)
  fc.assert(
    fc.property(decimal, (text) => {
      const { value } = parseJson(`{"value":${text}}`) as { value: number | string }
      expect(plain(String(value))).toBe(plain(text))
    }),
    { numRuns: 2_000 },
  )
})

test('parseJson of long strings and deep nesting does not exhaust the stack', () => {
  const long = 'x'.repeat(20_000_000)
  expect(parseJson(`["${long}",1e5]`)).toEqual([long, '1e5'])
  const deep = `${'['.repeat(100_000)}1e5${']'.repeat(100_000)}`
  expect(() => parseJson(deep)).not.toThrow()
})
