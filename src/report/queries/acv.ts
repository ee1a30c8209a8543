import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

export interface AcvOfYear {
  readonly fiscal_year_label: string
  readonly currency_code: string
  readonly contract_acv_amount: string
  readonly registration_count: number
}

/** Returns contract ACV by currency and fiscal year of signing, or of the start when unsigned. */
export async function readAcvByFiscalYear(query: Kysely<Database>): Promise<AcvOfYear[]> {
  return query
    .selectFrom('dw.fact_registration as registration')
    .innerJoin('dw.dim_date as day', (on) =>
      on.on(
        'day.date_day',
        '=',
        sql<string>`coalesce(registration.contract_sign_date, registration.contract_start_date)`,
      ),
    )
    .select((is) => [
      'day.fiscal_year_label',
      'registration.currency_code',
      is.fn.sum<string>('registration.contract_acv_amount').as('contract_acv_amount'),
      is.fn.countAll<number>().as('registration_count'),
    ])
    .where('registration.contract_acv_amount', 'is not', null)
    .groupBy(['day.fiscal_year_label', 'registration.currency_code'])
    .orderBy('day.fiscal_year_label')
    .orderBy('registration.currency_code')
    .execute()
}

/** Contract ACV of a fiscal year in the reporting currency. */
export interface ConvertedAcv {
  readonly fiscal_year_label: string
  /** Sum of the registrations that have a rate; null when none has one. */
  readonly contract_acv_reporting_amount: string | null
  /** Registrations with a contract ACV. */
  readonly registration_count: number
  /** Those of them without a rate, which are not in the sum. */
  readonly unconverted_count: number
}

/** Returns contract ACV converted as in `mart.registration`, by the years of `readAcvByFiscalYear`. */
export async function readConvertedAcv(query: Kysely<Database>): Promise<ConvertedAcv[]> {
  const converted = await sql<ConvertedAcv>`
    select day.fiscal_year_label,
      sum(registration.contract_acv_reporting_amount) as contract_acv_reporting_amount,
      count(*) as registration_count,
      count(*) filter (where registration.contract_acv_reporting_amount is null)
        as unconverted_count
    from mart.registration registration
    join dw.dim_date day
      on day.date_day = coalesce(registration.contract_sign_date, registration.contract_start_date)
    where registration.contract_acv_amount is not null
    group by day.fiscal_year_label
    order by day.fiscal_year_label`.execute(query)
  return converted.rows
}
