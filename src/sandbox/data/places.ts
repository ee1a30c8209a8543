import type { Zone } from '../instants.ts'
import type { Random } from '../random.ts'

export interface Place extends Zone {
  readonly country: string
  readonly weight: number
  readonly currency: string
  readonly locale: string
  readonly companySuffixes: readonly string[]
  /** City, state, postal code. */
  readonly cities: readonly (readonly [string, string, string])[]
}

export interface Currency {
  /** Approximate units for one US dollar; only the size of amounts depends on it. */
  readonly perDollar: number
  readonly minorDigits: number
}

export const currencies: Readonly<Record<string, Currency>> = {
  USD: { perDollar: 1, minorDigits: 2 },
  EUR: { perDollar: 0.9, minorDigits: 2 },
  GBP: { perDollar: 0.8, minorDigits: 2 },
  INR: { perDollar: 84, minorDigits: 2 },
  JPY: { perDollar: 150, minorDigits: 0 },
  KWD: { perDollar: 0.31, minorDigits: 3 },
  BRL: { perDollar: 5.5, minorDigits: 2 },
  AUD: { perDollar: 1.5, minorDigits: 2 },
  CAD: { perDollar: 1.4, minorDigits: 2 },
  CHF: { perDollar: 0.85, minorDigits: 2 },
  SEK: { perDollar: 10, minorDigits: 2 },
  PLN: { perDollar: 3.8, minorDigits: 2 },
}

const usa = { country: 'US', currency: 'USD', locale: 'en-us', companySuffixes: ['Inc', 'LLC', ''] }
const summer = { hasSummerTime: true }
const winter = { hasSummerTime: false }

export const places: readonly Place[] = [
  {
    ...usa,
    ...summer,
    weight: 22,
    offsetMinutes: -480,
    cities: [
      ['Spokane', 'WA', '99201'],
      ['Fresno', 'CA', '93721'],
    ],
  },
  {
    ...usa,
    ...summer,
    weight: 16,
    offsetMinutes: -300,
    cities: [
      ['Albany', 'NY', '12207'],
      ['Raleigh', 'NC', '27601'],
    ],
  },
  place('GB', 11, 'GBP', 'en-gb', 0, summer, ['Ltd', 'plc'], 'Leeds||LS1 4AP;Bristol||BS1 5TR'),
  place('DE', 9, 'EUR', 'de-de', 60, summer, ['GmbH', 'AG'], 'Köln|NW|50667;Leipzig|SN|04109'),
  place('FR', 5, 'EUR', 'fr-fr', 60, summer, ['SA', 'SARL'], 'Nantes||44000;Saint-Étienne||42000'),
  place('NL', 3, 'EUR', 'nl-nl', 60, summer, ['B.V.'], 'Utrecht|UT|3511 LN'),
  place('IN', 9, 'INR', 'en-in', 330, winter, ['Pvt Ltd', 'Limited'], 'Hyderabad|TS|500095;Pune||'),
  place('JP', 4, 'JPY', 'ja-jp', 540, winter, ['K.K.'], 'Nagoya|Aichi|450-0002'),
  place('KW', 2, 'KWD', 'ar-kw', 180, winter, ['W.L.L.'], 'Kuwait City||13001'),
  place('BR', 4, 'BRL', 'pt-br', -180, winter, ['Ltda.', 'S.A.'], 'São Paulo|SP|01310-100'),
  place('AR', 2, 'USD', 'es-ar', -180, winter, ['S.A.'], 'Rosario|Santa Fe|S2000'),
  place('AU', 4, 'AUD', 'en-au', 600, winter, ['Pty Ltd'], 'Brisbane|QLD|4000'),
  place('CA', 4, 'CAD', 'en-ca', -300, summer, ['Inc.'], 'Ottawa|ON|K1P 1J1'),
  place('CH', 2, 'CHF', 'de-ch', 60, summer, ['AG', 'GmbH'], 'Zürich|ZH|8001'),
  place('SE', 2, 'SEK', 'sv-se', 60, summer, ['AB'], 'Malmö||211 20'),
  place('PL', 1, 'PLN', 'pl-pl', 60, summer, ['Sp. z o.o.'], 'Łódź||90-001'),
]

const byWeight = places.map((each) => [each, each.weight] as const)

export function drawPlace(random: Random): Place {
  return random.weighted(byWeight)
}

/** Returns the facts of a currency; an unknown one counts as dollars with cents. */
export function currencyOf(code: string): Currency {
  return currencies[code] ?? { perDollar: 1, minorDigits: 2 }
}

function place(
  country: string,
  weight: number,
  currency: string,
  locale: string,
  offsetMinutes: number,
  season: { hasSummerTime: boolean },
  companySuffixes: string[],
  cityLines: string,
): Place {
  const cities = cityLines.split(';').map((line) => {
    const [city = '', state = '', postalCode = ''] = line.split('|')
    return [city, state, postalCode] as const
  })
  return { country, weight, currency, locale, offsetMinutes, ...season, companySuffixes, cities }
}
