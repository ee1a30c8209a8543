import { describe, expect, test } from 'vitest'
import { countryCodeOf } from '../../../src/transform/values/countries.ts'

describe('countryCodeOf', () => {
  test.each([
    ['US', 'US'],
    ['gb', 'GB'],
    ['DEU', 'DE'],
    ['UK', 'GB'],
    ['EL', 'GR'],
    ['United Kingdom', 'GB'],
    ['U.S.A.', 'US'],
    ['Korea', 'KR'],
    ['Korea, Republic of', 'KR'],
    ['Hong Kong SAR', 'HK'],
    ['Macao S.A.R.', 'MO'],
    ['Czechia', 'CZ'],
    ['Czech Republic', 'CZ'],
    ['Türkiye', 'TR'],
    ['Turkey', 'TR'],
    ["Côte d'Ivoire", 'CI'],
    ['Cote d’Ivoire', 'CI'],
    ['Saint Lucia', 'LC'],
    ['St. Lucia', 'LC'],
    ['Bahamas, The', 'BS'],
    ['Bosnia & Herzegovina', 'BA'],
    ['Congo', 'CG'],
    ['Congo (DRC)', 'CD'],
    ['Macedonia, FYRO', 'MK'],
    ['The Netherlands', 'NL'],
    ['Palestinian Authority', 'PS'],
    ['Kosovo', 'XK'],
    ['Viet Nam', 'VN'],
    ['Taiwan', 'TW'],
  ])('countryCodeOf %s is %s', (text, code) => {
    expect(countryCodeOf(text)).toBe(code)
  })

  test.each(['Atlantis', 'XX', 'ZZZ', '-', 'Europe', 'the'])('countryCodeOf %s is none', (text) => {
    expect(countryCodeOf(text)).toBeNull()
  })
})
