import type { Version } from '../context.ts'
import { canonicalEnumValue } from '../enum-values.ts'
import type { ReadReferral } from '../parse/properties.ts'
import type { Staged } from '../staged-rows.ts'
import { countryCodeOf } from '../values/countries.ts'

type Profile = NonNullable<ReadReferral['customerProfile']>
export type CustomerRow = Staged<'stg.dim_customer'>

const unknownName = '(Unknown)'
const hashLength = 32
const separator = '\u001f'

/** The customer as this payload describes it; the same content has the same hash everywhere. */
export function customerRow(version: Version): CustomerRow {
  const { accountKey, referralNo, context, findings } = version
  const profile = version.referral.customerProfile
  const address = profile?.address ?? null
  const size = canonicalEnumValue(
    context.enums,
    findings,
    'CustomerSize',
    profile?.size ?? null,
    'customerProfile.size',
  )
  const row: CustomerRow = {
    partner_account_key: accountKey,
    referral_no: referralNo,
    profile_hash: '',
    customer_match_id: '',
    customer_name: profile?.name ?? unknownName,
    customer_size: size,
    customer_size_min_employees: leastEmployees(size),
    customer_size_max_employees: greatestEmployees(size),
    address_line1: address?.addressLine1 ?? null,
    address_line2: address?.addressLine2 ?? null,
    city: address?.city ?? null,
    state: address?.state ?? null,
    postal_code: address?.postalCode ?? null,
    country_code: countryOf(version, address?.country ?? null),
    region: address?.region ?? null,
    moodys_id: null,
    external_customer_id: null,
    duns_number: null,
  }
  if (profile !== null) addIds(row, profile.ids)
  row.profile_hash = context.sha256(contentOf(row)).slice(0, hashLength)
  row.customer_match_id = matchId(row, profile?.name ?? null)
  return row
}

/** The country's code; what is no country known to us stays as it is, in upper case. */
function countryOf({ findings }: Version, country: string | null): string | null {
  if (country === null) return null
  const code = countryCodeOf(country)
  if (code !== null) return code
  const detail = 'expected a code of ISO 3166 or the English name of a country'
  const unknown = country.toUpperCase()
  findings.add('unknown_country', 'customerProfile.address.country', detail, unknown.slice(0, 60))
  return unknown
}

function addIds(row: CustomerRow, ids: Profile['ids']): void {
  for (const { profileType, id, moodys, external, duns } of ids) {
    // The smaller of two, since the API does not keep the order of its lists.
    row.moodys_id = smaller(row.moodys_id, moodys)
    row.external_customer_id = smaller(row.external_customer_id, external)
    row.duns_number = smaller(row.duns_number, duns)
    switch (profileType?.toLowerCase()) {
      case 'moodys':
        row.moodys_id = smaller(row.moodys_id, id)
        break
      case 'external':
        row.external_customer_id = smaller(row.external_customer_id, id)
        break
      case 'duns':
        row.duns_number = smaller(row.duns_number, id)
        break
    }
  }
}

function smaller(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right
  return left < right ? left : right
}

function contentOf(row: CustomerRow): string {
  return [
    row.customer_name,
    row.customer_size,
    row.address_line1,
    row.address_line2,
    row.city,
    row.state,
    row.postal_code,
    row.country_code,
    row.region,
    row.moodys_id,
    row.external_customer_id,
    row.duns_number,
  ].join(separator)
}

/** `1to50employees` -> 1, `Morethan500employees` -> 501; null for an undocumented size. */
function leastEmployees(size: string): number | null {
  const moreThan = 'morethan'
  const isOpen = size.toLowerCase().startsWith(moreThan)
  const least = Number.parseInt(isOpen ? size.slice(moreThan.length) : size, 10)
  if (!Number.isSafeInteger(least) || least >= 1e9) return null
  return isOpen ? least + 1 : least
}

/** `1to50employees` -> 50; null for `Morethan500employees` and for an undocumented size. */
function greatestEmployees(size: string): number | null {
  const [, greatest] = /^\d{1,9}to(\d{1,9})employees$/i.exec(size) ?? []
  return greatest === undefined ? null : Number(greatest)
}

const legalForms: ReadonlySet<string> = new Set(
  (
    'ab ag as asa aps bv bvba co company corp corporation gmbh inc incorporated kg kgaa kk limited ' +
    'llc llp lp ltd ltda nv oy oyj plc private pte pty pvt sa sarl sas se sl spa srl'
  ).split(' '),
)

/**
 * A label that profiles of one customer should share: an assigned id, else the name without
 * punctuation and legal form, in its country.
 */
function matchId(row: CustomerRow, name: string | null): string {
  if (row.moodys_id !== null) return `moodys:${row.moodys_id}`
  if (row.external_customer_id !== null) return `external:${row.external_customer_id}`
  if (row.duns_number !== null) return `duns:${row.duns_number}`
  // Without a name nothing says that two profiles are one customer.
  if (name === null) return `profile:${row.profile_hash}`
  return `name:${plainName(name)}|${row.country_code ?? ''}`
}

function plainName(name: string): string {
  const lower = name.toLowerCase()
  // 'S.A.' and "Contoso's" are one word each.
  const words = lower
    .replaceAll(/[.'’]/g, '')
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter(Boolean)
  while (words.length > 1 && legalForms.has(words.at(-1) ?? '')) words.pop()
  return words.length === 0 ? lower : words.join(' ')
}
