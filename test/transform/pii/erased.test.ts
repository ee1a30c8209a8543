import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Eraser, markOf, nameKey, referralKey } from '../../../src/transform/pii/erased.ts'
import { identityKeys } from '../../../src/transform/pii/identity.ts'

const at = '2026-03-01T00:00:00.000Z'
const digest = (text: string) => `hash of ${text}`

/** Recognises who has one of the keys. */
function eraserOf(...keys: readonly string[]) {
  return new Eraser(new Map(keys.map((key) => [digest(key), at])), digest)
}

const ada = {
  firstName: 'Ada',
  lastName: 'Moe',
  phoneNumber: '+47 22 33 44 55',
  email: 'Ada@Example.com',
}
const own = { '(erased)': { kind: 'Own', at } }
const erasing = eraserOf('ada@example.com', '4722334455', 'name ada moe')

describe('Eraser.erase', () => {
  test('a member with the address becomes a mark with side and time, and nobody else changes', () => {
    const bo = { firstName: 'Bo', email: 'bo@example.com' }
    const version = { payload: { id: '1' }, people: { team: [bo, ada] } }
    const left = erasing.erase('1', version)
    expect(left).toEqual({ payload: { id: '1' }, people: { team: [bo, own] } })
    expect(markOf(own)).toEqual({ kind: 'Own', at })
  })

  test('the mark of a member of Microsoft keeps the side', () => {
    const kim = { firstName: 'Kim', email: 'kim@example.microsoft.com' }
    const left = eraserOf('kim@example.microsoft.com').erase('1', {
      payload: {},
      people: { team: [kim] },
    })
    expect(left.people).toEqual({ team: [{ '(erased)': { kind: 'Microsoft', at } }] })
  })

  test.each([
    ['number, in another way of writing', { phoneNumber: '+47 (22) 33-44-55' }],
    ['name, in either order', { firstName: 'MOE', lastName: 'ada' }],
    ['name with another between', { firstName: 'Ada Maria', lastName: 'Moe' }],
  ])('a member without an address is recognised by the %s', (_, member) => {
    const left = erasing.erase('1', { payload: {}, people: { team: [member] } })
    expect(left.people).toEqual({ team: [own] })
  })

  test('a member with another address stays, with the same name and number too', () => {
    const version = {
      payload: {},
      people: { team: [{ ...ada, email: 'ada.moe@elsewhere.example' }] },
    }
    expect(erasing.erase('1', version)).toBe(version)
  })

  test.each([
    ['Write to ada@example.com.', true],
    ['Call 0047 or +47 22 33 44 55 today', true],
    ['met Moe, Ada in May', true],
    ['Ada called; the deal of Mr Moe is on', false],
    ['Write to adam@example.com', false],
  ])('the note %j is erased: %s', (note, isErased) => {
    const left = erasing.erase('1', { payload: {}, people: { details: { notes: note } } })
    expect(left.people).toEqual({ details: { notes: isErased ? '(erased)' : note } })
  })

  test('an address in another field is replaced, and the text around it stays', () => {
    const payload = { name: 'Renewal (ADA@example.com)', tags: ['x', 'ada@example.com'] }
    const left = erasing.erase('1', { payload, people: {} })
    expect(left.payload).toEqual({ name: 'Renewal ((erased))', tags: ['x', '(erased)'] })
  })

  test('all cells of people of a row go when its contact was erased, and of no other row', () => {
    const payload = { layout: 'deals', cells: { Region: 'North' }, problems: [] }
    const cells = { 'First Name': 'Ada', 'Last Name': 'Moe', Remark: 'asks for a discount' }
    const left = erasing.erase('1', { payload, people: { referral: {}, cells } })
    expect(left.payload).toBe(payload)
    expect(left.people).toEqual({
      referral: {},
      cells: { 'First Name': '(erased)', 'Last Name': '(erased)', Remark: '(erased)' },
    })
    const other = { payload, people: { referral: {}, cells: { ...cells, 'Last Name': 'Aas' } } }
    expect(erasing.erase('2', other)).toBe(other)
  })

  test('a fault of a cell tells nothing of an erased person', () => {
    const problem = { code: 'text', column: 'Phone', expected: 'a number', got: 'ask Ada Moe' }
    const payload = { layout: 'deals', cells: {}, problems: [problem] }
    const left = erasing.erase('1', { payload, people: { referral: {}, cells: {} } })
    expect(left.payload).toEqual({ ...payload, problems: [{ ...problem, got: '(erased)' }] })
  })

  test('an erased referral keeps the cells with figures', () => {
    const problem = { code: 'date', column: 'Close', expected: 'a day', got: 'soon' }
    const payload = { layout: 'deals', cells: { Value: '120.00' }, problems: [problem] }
    const left = eraserOf(referralKey('1')).erase('1', { payload, people: {} })
    expect(left.payload).toEqual({ ...payload, problems: [{ ...problem, got: '(erased)' }] })
  })

  test('all people and notes of an erased referral go, and of no other', () => {
    const people = {
      team: [{ firstName: 'Bo', email: 'bo@example.com' }],
      customerProfile: { team: [{ firstName: 'Cy' }] },
      details: { notes: 'Call Bo' },
    }
    const eraser = eraserOf(referralKey('1'))
    expect(eraser.erase('1', { payload: {}, people }).people).toEqual({
      team: [own],
      customerProfile: { team: [own] },
      details: { notes: '(erased)' },
    })
    const other = { payload: {}, people }
    expect(eraser.erase('2', other)).toBe(other)
  })

  test('a version erased once is the same when erased again', () => {
    const member = fc.record(
      {
        firstName: fc.constantFrom('Ada', 'Bo'),
        lastName: fc.constantFrom('Moe', 'Aas'),
        email: fc.constantFrom('ada@example.com', 'bo@example.com', ''),
        phoneNumber: fc.constantFrom('+47 22334455', '1'),
      },
      { requiredKeys: [] },
    )
    const note = fc.constantFrom('Ada Moe', 'nothing', 'ada@example.com', 'Bo Moe')
    const version = fc.record({
      payload: fc.record({ name: note }),
      people: fc.record({ team: fc.array(member), details: fc.record({ notes: note }) }),
    })
    fc.assert(
      fc.property(version, (given) => {
        const once = erasing.erase('1', given)
        expect(erasing.erase('1', once)).toBe(once)
        expect(JSON.stringify(once)).not.toMatch(/ada@example\.com/)
      }),
    )
  })
})

describe('nameKey', () => {
  test.each([
    ['Ada Moe', 'name ada moe'],
    ['moe ADA', 'name ada moe'],
    ['Ada Maria von Moe', 'name ada moe'],
    ['Ada', null],
    ['', null],
  ])('the key of %j is %j', (name, key) => {
    expect(nameKey(name)).toBe(key)
  })
})

describe('identityKeys', () => {
  const known = { first_name: 'Ada', last_name: 'Moe', phone_number: '+47 22 33 44 55' }

  test('the keys are the address, and numbers and names that stand beside it', () => {
    const landed = { team: [{ ...ada, lastName: 'Aas' }, { email: 'bo@example.com' }] }
    expect(identityKeys('Ada@example.com', [known], [landed], [])).toEqual([
      'ada@example.com',
      '4722334455',
      'name ada moe',
      'name aas ada',
    ])
  })

  test('a number or name that somebody else has as well is no key', () => {
    const other = { first_name: 'Moe', last_name: 'Ada', phone_number: '4722334455' }
    expect(identityKeys('ada@example.com', [known], [], [other])).toEqual(['ada@example.com'])
  })

  test('an extension of five digits is no key', () => {
    const person = { first_name: null, last_name: 'Moe', phone_number: '22334' }
    expect(identityKeys('ada@example.com', [person], [], [])).toEqual(['ada@example.com'])
  })
})
