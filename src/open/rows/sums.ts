import { sql } from 'kysely'
import type { Amounts, CurrencyAmount } from '../../report/report-data.ts'
import type { Query } from './filters.ts'

/** Decimals of an amount of the warehouse. */
const scale = 4

/** An amount in ten-thousandths, in its currency and in the reporting currency. */
export interface Value {
  readonly currency_code: string
  /** Null without a value. */
  readonly amount: bigint | null
  /** Null without a value, or without a rate. */
  readonly converted: bigint | null
}

/** Decimals of each currency, and of the reporting currency. */
export interface MinorUnits {
  readonly of: ReadonlyMap<string, number>
  readonly reporting: number
}

export async function readMinorUnits(query: Query, reporting: number): Promise<MinorUnits> {
  const { rows } = await sql<{ currency_code: string; minor_unit: number }>`
    select currency.currency_code, currency.minor_unit from dw.dim_currency currency`.execute(query)
  return { of: new Map(rows.map((row) => [row.currency_code, row.minor_unit])), reporting }
}

interface CurrencySum {
  count: number
  amount: bigint
  unconvertedCount: number
  unconverted: bigint
}

/** Adds up values exactly. */
export class Sum {
  count = 0
  converted: bigint | null = null
  readonly #currencies = new Map<string, CurrencySum>()

  /** Adds one item and its value; `sign` -1 takes the value away. */
  add(value: Value, sign: 1n | -1n = 1n): void {
    this.count += 1
    this.addValue(value, sign)
  }

  /** Adds a value to the items that are counted already. */
  addValue({ currency_code, amount, converted }: Value, sign: 1n | -1n = 1n): void {
    if (amount === null) return
    let one = this.#currencies.get(currency_code)
    if (one === undefined) {
      one = { count: 0, amount: 0n, unconvertedCount: 0, unconverted: 0n }
      this.#currencies.set(currency_code, one)
    }
    one.count += 1
    one.amount += sign * amount
    if (converted === null) {
      one.unconvertedCount += 1
      one.unconverted += sign * amount
    } else {
      this.converted = (this.converted ?? 0n) + sign * converted
    }
  }

  /** The sums as text; `converted` is rounded to the decimals of the reporting currency. */
  amounts({ of, reporting }: MinorUnits, converted = this.converted): Amounts {
    const sorted = [...this.#currencies].sort(([one], [other]) => (one < other ? -1 : 1))
    const amountOf = (code: string, count: number, amount: bigint): CurrencyAmount => ({
      currency_code: code,
      minor_unit: of.get(code) ?? 2,
      count,
      amount: decimal(amount),
    })
    return {
      converted: converted === null ? null : rounded(converted, reporting),
      unconverted: sorted
        .filter(([, one]) => one.unconvertedCount > 0)
        .map(([code, one]) => amountOf(code, one.unconvertedCount, one.unconverted)),
      by_currency: sorted.map(([code, one]) => amountOf(code, one.count, one.amount)),
    }
  }
}

/** Reads an amount with four decimals as a whole number of ten-thousandths. */
export function scaled(amount: string | null): bigint | null {
  return amount === null ? null : BigInt(amount.replace('.', ''))
}

/** Writes ten-thousandths as PostgreSQL writes `numeric(19, 4)`. */
export function decimal(amount: bigint, decimals = scale): string {
  const digits = String(amount < 0n ? -amount : amount).padStart(decimals + 1, '0')
  const sign = amount < 0n ? '-' : ''
  if (decimals === 0) return `${sign}${digits}`
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

/** Rounds ten-thousandths half away from zero, as PostgreSQL does. */
export function rounded(amount: bigint, decimals: number): string {
  if (decimals >= scale) return decimal(amount)
  const step = 10n ** BigInt(scale - decimals)
  const size = amount < 0n ? -amount : amount
  const units = (size * 2n + step) / (step * 2n)
  return decimal(amount < 0n ? -units : units, decimals)
}
