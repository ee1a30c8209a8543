import type { Version } from '../context.ts'
import { equalWeights } from '../contract/allocate.ts'
import type { ReadPerson } from '../parse/properties.ts'
import { markOf, sideOf } from '../pii/erased.ts'
import { inKeyOrder, type Staged } from '../staged-rows.ts'
import { hashedKey } from './contact.ts'

// Fills dw.dim_seller and dw.bridge_referral_seller. No name, address or number of a person leaves
// this file: readers of dw see a keyed hash.

type SellerRow = Staged<'stg.dim_seller'>
type SellerKind = 'Own' | 'Microsoft'

/** The people of the team of a referral that an address or a phone number identifies, each once. */
export function sellersOf({ accountKey, referralNo, referral, context }: Version): SellerRow[] {
  const byHash = new Map<string, SellerRow>()
  for (const person of referral.team) {
    const mark = markOf(person.extra)
    const key = hashedKey(person)
    if (key === null && mark === null) continue
    const hash = key === null ? '' : context.hmac(key)
    const domain = domainOf(person)
    const seller_kind = mark?.kind ?? sideOf(domain)
    // One member for all erased people of a kind: their share of the value stays.
    const isErased = mark !== null || context.erased.has(hash)
    const seller_hash = isErased ? `erased ${seller_kind}` : hash
    byHash.set(seller_hash, {
      partner_account_key: accountKey,
      referral_no: referralNo,
      seller_hash,
      seller_kind,
      email_domain: isErased ? null : domain,
    })
  }
  return inKeyOrder(byHash)
}

/** One row a seller; the shares of each kind add up to 1. */
export function sellerBridgeRows(
  sellers: readonly SellerRow[],
): Staged<'stg.bridge_referral_seller'>[] {
  const rows: Staged<'stg.bridge_referral_seller'>[] = []
  for (const kind of ['Microsoft', 'Own'] satisfies SellerKind[]) {
    const ofKind = sellers.filter((seller) => seller.seller_kind === kind)
    const weights = equalWeights(ofKind.length)
    for (let index = 0; index < ofKind.length; index++) {
      const seller = ofKind[index]
      if (seller === undefined) continue
      rows.push({
        partner_account_key: seller.partner_account_key,
        referral_no: seller.referral_no,
        seller_hash: seller.seller_hash,
        weight: weights[index] ?? '0',
        seller_count: ofKind.length,
      })
    }
  }
  return rows
}

/** Says whether a member of the team has an address of Microsoft. */
export function hasMicrosoftMember(team: readonly ReadPerson[]): boolean {
  return team.some(
    (person) => (markOf(person.extra)?.kind ?? sideOf(domainOf(person))) === 'Microsoft',
  )
}

/** Domain of the e-mail address in lower case; null without an address that has one. */
function domainOf({ email }: ReadPerson): string | null {
  if (email === null) return null
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase()
  return domain === '' || !email.includes('@') ? null : domain
}
