import { currencies } from '../../data/places.ts'
import { Random } from '../../random.ts'
import { fractionOf, rounded } from './decimal.ts'

/** Number of the stream of random numbers: the rates are the same for every seed. */
const stream = 0x0d011a25
/** Largest distance of a month's rate from the currency's usual one, as a share. */
const driftMost = 0.06

/**
 * Returns the invented units of a currency for one US dollar in a month, to four decimals. The rates
 * are the sandbox's own and unlike its daily ones: Microsoft's monthly rates are not published.
 * Undefined for a currency that the population does not have.
 */
export function monthlyRate(currency: string, month: string): string | undefined {
  const usual = currencies[currency]?.perDollar
  if (usual === undefined) return undefined
  if (currency === 'USD') return '1'
  const letters = [...currency].map((letter) => letter.charCodeAt(0))
  const random = new Random(stream, ...letters, Number(month.replace('-', '')))
  return (usual * random.between(1 - driftMost, 1 + driftMost)).toFixed(4)
}

/** Returns an amount in US dollars at the rate of a day's month; '' when one of the three is unknown. */
export function inDollars(amount: string, currency: string, day: string): string {
  const rate = day === '' ? undefined : monthlyRate(currency, day.slice(0, 7))
  if (amount === '' || rate === undefined) return ''
  const [value, perDollar] = [fractionOf(amount), fractionOf(rate)]
  return rounded(
    {
      numerator: value.numerator * perDollar.denominator,
      denominator: value.denominator * perDollar.numerator,
    },
    2,
  )
}
