import { baseClock, dayMs, historyStart } from '../instants.ts'
import { currencies } from './places.ts'

/** Value of one US dollar on one day. */
export interface InventedRate {
  readonly currency: string
  /** YYYY-MM-DD. */
  readonly date: string
  /** Units of the currency, as a plain decimal. */
  readonly perDollar: string
}

/** First day of rates; no deal is signed or registered before it. */
const firstDay = Date.UTC(new Date(historyStart).getUTCFullYear(), 0, 1)

/**
 * Returns invented rates: each currency at the one value that its amounts are made with, on every
 * working day that its deals cover, up to the day of `nowMs`.
 */
export function inventedRates(nowMs: number): InventedRate[] {
  const rates: InventedRate[] = []
  const lastDay = Math.max(nowMs, baseClock)
  for (let day = firstDay; day <= lastDay; day += dayMs) {
    const weekday = new Date(day).getUTCDay()
    if (weekday === 0 || weekday === 6) continue
    const date = new Date(day).toISOString().slice(0, 10)
    for (const [currency, { perDollar }] of Object.entries(currencies)) {
      if (currency !== 'USD') rates.push({ currency, date, perDollar: String(perDollar) })
    }
  }
  return rates
}
