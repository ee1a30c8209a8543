import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { toRows } from '../../../src/transform/to-rows.ts'
import { aMember, aReferral, landed, rowsOf } from '../../support/referral-builder.ts'
import { transformContext } from '../../support/transform-context.ts'

const hashOf = (text: string) =>
  createHmac('sha256', 'a secret of the tests').update(text).digest('hex')

/** Sellers of a team as `kind domain weight of count`, in the order of their hashes. */
function sellersOf(team: NonNullable<Referral['team']>) {
  const rows = rowsOf(aReferral({ team }))
  const bridges = new Map(rows['stg.bridge_referral_seller'].map((row) => [row.seller_hash, row]))
  return rows['stg.dim_seller'].map(({ seller_hash, seller_kind, email_domain }) => {
    const bridge = bridges.get(seller_hash)
    return `${seller_kind} ${email_domain} ${bridge?.weight} of ${bridge?.seller_count}`
  })
}

describe('dw.dim_seller', () => {
  test('a seller is the keyed hash of the address in lower case, with kind and domain', () => {
    const rows = rowsOf(aReferral({ team: [aMember('Ada@Sub.Example.com', 'Ada', 'Moe')] }))
    expect(rows['stg.dim_seller']).toEqual([
      {
        partner_account_key: 1,
        referral_no: 7,
        seller_hash: hashOf('ada@sub.example.com'),
        seller_kind: 'Own',
        email_domain: 'sub.example.com',
      },
    ])
  })

  test('the hash of a seller is that of the contact, which leads to the name', () => {
    const rows = rowsOf(aReferral({ team: [aMember('zoe@example.com', 'Zoe', 'Aas')] }))
    const contacts = rows['stg.contact'].filter((row) => row.contact_role === 'referral_team')
    expect(contacts.map((row) => row.contact_hash)).toEqual([
      rows['stg.dim_seller'][0]?.seller_hash,
    ])
  })

  test.each([
    ['someone@microsoft.com', 'Microsoft'],
    ['someone@example.MICROSOFT.com', 'Microsoft'],
    ['someone@example.onmicrosoft.com', 'Own'],
    ['someone@notmicrosoft.com', 'Own'],
    ['microsoft.com@example.com', 'Own'],
  ])('a member with the address %s has the kind %s', (email, kind) => {
    const rows = rowsOf(aReferral({ team: [aMember(email, 'Some', 'One')] }))
    expect(rows['stg.dim_seller'].map((row) => row.seller_kind)).toEqual([kind])
    const [referral] = rows['stg.dim_referral']
    expect(referral?.has_microsoft_member).toBe(kind === 'Microsoft')
  })

  test('the customer’s people are no sellers', () => {
    const team = [aMember('buyer@example.com', 'Bo', 'Ask')]
    const rows = rowsOf(aReferral({ team: [], customerProfile: { name: 'Fabrikam', team } }))
    expect(rows['stg.dim_seller']).toEqual([])
    expect(rows['stg.dim_referral'][0]?.has_microsoft_member).toBe(false)
  })

  test('a member without address is known by phone number, one without either is no seller', () => {
    const nameless = { ...aMember('', 'Ida', 'Ro'), phoneNumber: null }
    expect(sellersOf([aMember('', 'Ada', 'Moe'), nameless])).toEqual(['Own null 1.000000 of 1'])
  })

  test('an address without a domain has none', () => {
    expect(sellersOf([aMember('ada', 'Ada', 'Moe'), aMember('bo@', 'Bo', 'Moe')])).toEqual([
      'Own null 0.500000 of 2',
      'Own null 0.500000 of 2',
    ])
  })
})

describe('dw.bridge_referral_seller', () => {
  test('the shares of each kind add up to one, and a person counts once', () => {
    const team = [
      aMember('ada@example.com', 'Ada', 'Moe'),
      aMember('ADA@example.com', 'Ada', 'Moe'),
      aMember('bo@example.com', 'Bo', 'Moe'),
      aMember('zoe@example.com', 'Zoe', 'Aas'),
      aMember('someone@microsoft.com', 'Some', 'One'),
    ]
    expect(sellersOf(team).sort()).toEqual([
      'Microsoft microsoft.com 1.000000 of 1',
      'Own example.com 0.333333 of 3',
      'Own example.com 0.333333 of 3',
      'Own example.com 0.333334 of 3',
    ])
  })

  test('erased people of a kind are one seller without hash or domain, and keep a share', () => {
    const team = [
      aMember('ada@example.com', 'Ada', 'Moe'),
      aMember('bo@example.com', 'Bo', 'Moe'),
      aMember('zoe@example.com', 'Zoe', 'Aas'),
    ]
    const erased = new Set([hashOf('ada@example.com'), hashOf('bo@example.com')])
    const { rows } = toRows(landed([{ wire: aReferral({ team }) }]), {
      ...transformContext,
      erased,
    })
    expect(
      rows['stg.dim_seller'].map(({ seller_hash, email_domain }) => [seller_hash, email_domain]),
    )
      // In the order of the text.
      .toEqual(
        [
          [hashOf('zoe@example.com'), 'example.com'],
          ['erased Own', null],
        ].sort((left, right) => (String(left[0]) < String(right[0]) ? -1 : 1)),
      )
    expect(rows['stg.bridge_referral_seller'].map((row) => row.weight)).toEqual([
      '0.500000',
      '0.500000',
    ])
    expect(JSON.stringify(rows['stg.bridge_referral_seller'])).not.toContain([...erased][0])
  })
})
