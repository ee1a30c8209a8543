import { describe, expect, test } from 'vitest'
import { withoutContacts } from '../../../src/transform/pii/contacts.ts'
import { toRows } from '../../../src/transform/to-rows.ts'
import { aMember, aReferral, landed, only, rowsOf } from '../../support/referral-builder.ts'
import { transformContext } from '../../support/transform-context.ts'

const at = '2026-03-01T00:00:00.000Z'
const mark = { '(erased)': { kind: 'Own', at } }
const ida = aMember('ida@example.com', 'Ida', 'Berg')
const olav = aMember('olav@example.com', 'Olav', 'Lund')

describe('withoutContacts', () => {
  test('people of the customer and notes go, and the partner’s own team stays', () => {
    const people = {
      team: [olav],
      customerProfile: { team: [ida] },
      details: { notes: 'Call Ida.' },
      inviteContext: { notes: null },
    }
    const left = withoutContacts({ payload: { id: '1' }, people }, at)
    expect(left).toEqual({
      payload: { id: '1' },
      people: {
        team: [olav],
        customerProfile: { team: [mark] },
        details: { notes: '(erased)' },
        inviteContext: { notes: null },
      },
    })
    expect(withoutContacts(left, '2027-01-01T00:00:00.000Z')).toBe(left)
  })

  test('an address of the customer elsewhere in the payload goes, and one of the team stays', () => {
    const people = { team: [olav], customerProfile: { team: [ida] } }
    const payload = { name: 'For Ida@Example.com', mpnId: 'olav@example.com' }
    expect(withoutContacts({ payload, people }, at).payload).toEqual({
      name: 'For (erased)',
      mpnId: 'olav@example.com',
    })
  })

  test('all cells of people go of the row of a file, and the team that it shows stays', () => {
    const payload = { layout: 'deals', referral: {}, cells: { Region: 'North' }, problems: [] }
    const people = {
      referral: { team: [olav], customerProfile: { team: [ida] } },
      cells: { 'First Name': 'Ida', Remark: 'asks for a discount' },
    }
    expect(withoutContacts({ payload, people }, at)).toEqual({
      payload,
      people: {
        referral: { team: [olav], customerProfile: { team: [mark] } },
        cells: { 'First Name': '(erased)', Remark: '(erased)' },
      },
    })
  })

  test('a version without people, and one with blank notes and members, stays as it is', () => {
    const blank = { firstName: null, email: '', contactPreference: { locale: 'nb-NO' } }
    for (const people of [
      null,
      {},
      { team: [olav], customerProfile: { team: [] } },
      { customerProfile: { team: [blank] }, details: { notes: ' ' } },
    ]) {
      const version = { payload: {}, people }
      expect(withoutContacts(version, at)).toBe(version)
    }
  })

  test('people in a shape that nobody knows go whole', () => {
    const people = { customerProfile: [{ contacts: ['Ida Berg'] }], '(not an object)': 'Ida' }
    const left = withoutContacts({ payload: {}, people }, at)
    expect(JSON.stringify(left)).not.toContain('Ida')
  })

  test('the rows of a referral are the same but for its contacts and notes', () => {
    const wire = aReferral()
    const { versions, ...referral } = landed([{ wire }])
    const purged = versions.map((version) => withoutContacts(version, at))
    const transformed = toRows({ ...referral, versions: purged }, transformContext)
    if (transformed.kind !== 'rows') throw new Error(transformed.kind)
    const { 'stg.contact': contacts, 'stg.referral_text': texts, ...rest } = transformed.rows
    const { 'stg.contact': _, 'stg.referral_text': __, ...before } = rowsOf(wire)
    expect(rest).toEqual(before)
    expect(contacts).toMatchObject([
      { contact_role: 'customer', contact_no: 1, email: null, is_erased: true, erased_at: at },
      { contact_role: 'referral_team', contact_no: 1, email: 'olav@example.com' },
    ])
    expect(only(texts)).toMatchObject({ details_notes: '(erased)', invite_notes: null })
  })
})
