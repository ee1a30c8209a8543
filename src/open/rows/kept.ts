import { sql } from 'kysely'
import type { Query } from './filters.ts'

/** Keeps the last results under their keys. Two that ask for the same key at once wait for one result. */
export class Kept<Result> {
  readonly #results = new Map<string, Promise<Result>>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Fails only when `make` of this asker fails: another one may have left, or run out of time. */
  async get(key: string, make: () => Promise<Result>): Promise<Result> {
    const known = this.#results.get(key)
    if (known !== undefined) {
      try {
        return await this.#keep(key, known)
      } catch {
        // Whoever else waits for it is before us, or after us.
        return this.get(key, make)
      }
    }
    return this.#keep(key, make())
  }

  async #keep(key: string, result: Promise<Result>): Promise<Result> {
    // The last one used is the last to go.
    this.#results.delete(key)
    this.#results.set(key, result)
    for (const oldest of [...this.#results.keys()].slice(0, -this.#max)) {
      this.#results.delete(oldest)
    }
    try {
      return await result
    } catch (error) {
      if (this.#results.get(key) === result) this.#results.delete(key)
      throw error
    }
  }
}

/** Returns what changes when rows or rates of a day may read otherwise than before. */
export async function readState(query: Query, day: string): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    select concat_ws(' ',
      (select string_agg(concat_ws('/', status.partner_account_key, status.last_published_run_id), ' '
          order by status.partner_account_key)
        from mart.load_status status),
      (select md5(string_agg(concat_ws('/', rate.currency_code, rate.rate_to_reporting), ' '
          order by rate.currency_code))
        from dw.dim_currency currency
        join dw.fx_rate rate
          on rate.currency_code = currency.currency_code and rate.rate_date = ${day}::date),
      (select concat_ws('/', calendar.fiscal_quarter_label, calendar.fiscal_year_start_date)
        from dw.dim_date calendar
        where calendar.date_day = ${day}::date)
    ) as state`.execute(query)
  return rows[0]?.state ?? ''
}
