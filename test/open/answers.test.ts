import { parse } from 'csv-parse/sync'
import { Decimal } from 'decimal.js'
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { explainReferral } from '../../src/explain/explain.ts'
import { findReferral } from '../../src/explain/find-referral.ts'
import type {
  Amounts,
  Choices,
  FunnelAnswer,
  ListAnswer,
  PipelineAnswer,
  QualityAnswer,
  ReferralAnswer,
  RegistrationsAnswer,
  TrendAnswer,
  WonAnswer,
} from '../../src/open/answers.ts'
import { readChoices } from '../../src/open/views/choices.ts'
import { applyFiscalYear } from '../../src/pipeline/stored-settings/fiscal-year.ts'
import { loadEuroRates, loadOnce } from '../support/report-warehouse.ts'
import { servedOnce, serveWarehouse } from '../support/served-page.ts'

const loaded = loadOnce({ referrals: 400, seed: 11 })
/** Days of the sandbox: its first, and those of the two nights after it. */
const days: string[] = []
const planted = '=HYPERLINK("http://example.com";"<b>x</b>")'

const served = servedOnce(loaded, async ({ db, sandbox, run }) => {
  await loadEuroRates(db)
  days.push(sandbox.now().slice(0, 10))
  for (const count of [120, 120]) {
    sandbox.change(count)
    sandbox.arrive(20)
    await run()
    days.push(sandbox.now().slice(0, 10))
  }
  sandbox.vanish(10)
  await run(true)
  await sql`
    update dw.fx_rate set rate_to_reporting = 1.5, reporting_units = 1.5
    where currency_code = 'EUR' and rate_date = ${firstDay()}::date`.execute(db)
  const { rows: undated } = await sql`
    update dw.fact_referral set closed_date = null
    where referral_key = (
      select referral_key from mart.referral
      where not is_open and not is_decided and not is_missing and created_fiscal_year = 'FY26'
      order by referral_key limit 1)
    returning referral_key`.execute(db)
  expect(undated).toHaveLength(1)
  await sql`
    update dw.dim_referral set referral_name = ${planted}
    where referral_key = (
      select referral_key from mart.referral where not (is_missing and is_open)
      order by created_date desc, referral_key limit 1)`.execute(db)
})

const lastDay = () => days.at(-1) ?? ''
const firstDay = () => days[0] ?? ''

async function ask<T>(route: string): Promise<T> {
  const answer = await fetch(`${served().url}data/${route}`)
  const body = (await answer.json()) as T & { message?: string }
  if (answer.status !== 200) throw new Error(`${route}: ${answer.status} ${body.message}`)
  return body
}

async function rowsOf<T>(query: RawBuilder<T>): Promise<T[]> {
  return [...(await query.execute(loaded().db)).rows]
}

interface Sums {
  readonly label: string
  readonly count: number
  readonly converted: string | null
  readonly sums: Readonly<Record<string, string>>
}

/** Sums of a query with the columns label, currency_code, amount and converted, by label. */
async function sumsOf(rows: RawBuilder<unknown>): Promise<Sums[]> {
  return rowsOf(sql<Sums>`
    select label, sum(item_count)::integer as count, round(sum(converted), 2)::text as converted,
      coalesce(
        jsonb_object_agg(currency_code, amount::text) filter (where amount is not null), '{}') as sums
    from (
      select label, currency_code, count(*) as item_count, sum(amount) as amount,
        sum(converted) as converted
      from (${rows}) item
      group by label, currency_code
    ) by_currency
    group by label`)
}

const shownOf = ({
  label,
  count,
  amounts,
}: {
  label: string
  count: number
  amounts: Amounts
}) => ({
  label,
  count,
  converted: amounts.converted,
  sums: Object.fromEntries(amounts.by_currency.map((one) => [one.currency_code, one.amount])),
})

const byLabel = (one: { label: string }, other: { label: string }) =>
  one.label < other.label ? -1 : 1

/** Open deals on a day, in the words of the mart. */
const openOn = (day: string, label: RawBuilder<unknown>, where = sql`true`) => sql`
  select ${label} as label, currency_code, deal_value_amount as amount,
    deal_value_once_reporting_amount as converted
  from mart.pipeline_as_of pipeline
  where snapshot_date = ${day}::date and is_open and is_deal_primary and ${where}`

describe('the pipeline', () => {
  test.each([
    ['stages', sql`stage_label`],
    ['areas', sql`solution_area`],
    [
      'close_quarters',
      sql`coalesce((select fiscal_quarter_label from dw.dim_date where date_day = expected_close_date), '')`,
    ],
  ] as const)('%s of the day equal mart.pipeline_as_of', async (name, label) => {
    const answer = await ask<PipelineAnswer>(`pipeline?as_of=${lastDay()}&compare=${firstDay()}`)
    const now = answer[name].map((one) => shownOf(one.now)).filter(({ count }) => count > 0)
    expect(now.length).toBeGreaterThan(1)
    expect(now.sort(byLabel)).toEqual((await sumsOf(openOn(lastDay(), label))).sort(byLabel))
  })

  test('the day to compare with has its own deals, at the rates of the day that is shown', async () => {
    const { open } = await ask<PipelineAnswer>(`pipeline?as_of=${lastDay()}&compare=${firstDay()}`)
    const [expected] = await sumsOf(sql`
      select '' as label, deal.currency_code, deal_value_amount as amount,
        round(deal_value_amount * rate.rate_to_reporting, 4) as converted
      from mart.pipeline_as_of deal
      left join dw.fx_rate rate
        on rate.currency_code = deal.currency_code and rate.rate_date = ${lastDay()}::date
      where snapshot_date = ${firstDay()}::date and is_open and is_deal_primary`)
    expect(shownOf(open.before)).toEqual(expected)
    const [atOwnRates] = await sumsOf(openOn(firstDay(), sql`''`))
    expect(open.before.amounts.converted).not.toBe(atOwnRates?.converted)
    expect(open.before.count).not.toBe(open.now.count)
  })

  test('overdue deals are those expected to have closed before the day', async () => {
    const { overdue } = await ask<PipelineAnswer>(`pipeline?as_of=${lastDay()}`)
    const where = sql`expected_close_date < ${lastDay()}::date`
    const [expected] = await sumsOf(openOn(lastDay(), sql`''`, where))
    expect(shownOf(overdue.now)).toEqual(expected)
  })

  test('a filter takes what SQL takes, each alone and together', async () => {
    const choices = await ask<Choices>('choices')
    const [row] = await rowsOf(sql<{
      area: string
      play: string
      type: string
      currency: string
      country: string
    }>`
      select solution_area as area, solution_play as play, deal_type as type, currency_code as currency,
        country_code as country
      from mart.pipeline_as_of
      where snapshot_date = ${lastDay()}::date and is_open and is_deal_primary
        and solution_area <> '(Not provided)' and country_code is not null
      order by referral_key limit 1`)
    if (row === undefined) throw new Error('no open deal with an area and a country')
    expect(choices.areas.map(({ value }) => value)).toContain(row.area)
    expect(choices.plays.map(({ value }) => value)).toContain(row.play)
    expect(choices.countries.map(({ value }) => value)).toContain(row.country)
    expect(choices.deal_types.map(({ value }) => value)).toContain(row.type)
    expect(choices.currencies.map(({ value }) => value)).toContain(row.currency)
    const filters = {
      [`area=${encodeURIComponent(row.area)}`]: sql`solution_area = ${row.area}`,
      [`play=${encodeURIComponent(row.play)}`]: sql`solution_play = ${row.play}`,
      [`country=${row.country}&country=`]: sql`coalesce(country_code, '') in (${row.country}, '')`,
      [`deal_type=${encodeURIComponent(row.type)}`]: sql`deal_type = ${row.type}`,
      [`currency=${row.currency}`]: sql`currency_code = ${row.currency}`,
      'period=FY27&period=FY26%20Q4': sql`expected_close_date in (
        select date_day from dw.dim_date
        where fiscal_year_label = 'FY27' or fiscal_quarter_label = 'FY26 Q4')`,
    }
    const all = Object.entries(filters)
    const together = [
      all
        .map(([query]) => query)
        .slice(0, 2)
        .join('&'),
      sql.join(
        all.slice(0, 2).map(([, where]) => where),
        sql` and `,
      ),
    ] as const
    for (const [query, where] of [...all, together]) {
      const { open } = await ask<PipelineAnswer>(`pipeline?as_of=${lastDay()}&${query}`)
      const [expected] = await sumsOf(openOn(lastDay(), sql`''`, where))
      expect(shownOf(open.now), query).toEqual(expected)
    }
  })

  test('an unknown account has nothing, and a known one all of a warehouse of its own', async () => {
    const everything = await ask<PipelineAnswer>(`pipeline?as_of=${lastDay()}`)
    const { accounts } = await ask<Choices>('choices')
    const own = await ask<PipelineAnswer>(
      `pipeline?as_of=${lastDay()}&account=${accounts[0]?.value}`,
    )
    const other = await ask<PipelineAnswer>(`pipeline?as_of=${lastDay()}&account=nobody`)
    expect(own.open).toEqual(everything.open)
    expect(other.open.now.count).toBe(0)
  })

  const added = (figures: readonly { amounts: Amounts }[], pick: (amounts: Amounts) => string) =>
    figures.reduce((sum, { amounts }) => sum.plus(pick(amounts)), new Decimal(0))

  test.each(['', '&period=FY27%20Q1', '&currency=EUR'])(
    'opening and movements are the closing, to the last digit, with %s',
    async (filter) => {
      const { movements, open } = await ask<PipelineAnswer>(
        `pipeline?as_of=${lastDay()}&compare=${firstDay()}${filter}`,
      )
      const of = (kind: string) => movements.find((one) => one.kind === kind)?.figure
      const steps = movements.filter(({ is_added, kind }) => is_added && kind !== 'closing')
      const figures = steps.map(({ figure }) => figure)
      const converted = added(figures, (amounts) => amounts.converted ?? '0')
      expect(converted.toFixed(2)).toBe(of('closing')?.amounts.converted ?? '0.00')
      const euros = (amounts: Amounts) =>
        amounts.by_currency.find(({ currency_code }) => currency_code === 'EUR')?.amount ?? '0'
      expect(added(figures, euros).toFixed(4)).toBe(
        new Decimal(euros(of('closing')?.amounts ?? open.now.amounts)).toFixed(4),
      )
      expect(of('closing')?.amounts).toEqual(open.now.amounts)
      expect(of('opening')?.amounts).toEqual(open.before.amounts)
      expect(figures.filter(({ count }) => count > 0).length).toBeGreaterThan(2)
    },
  )

  test('movements equal mart.pipeline_movement_between', async () => {
    const { movements } = await ask<PipelineAnswer>(
      `pipeline?as_of=${lastDay()}&compare=${firstDay()}`,
    )
    // Deals that move between groups of the mart stay in the pipeline as a whole.
    const kinds = [
      'opening',
      'created',
      'returned',
      'grew',
      'shrank',
      'won',
      'lost',
      'dropped',
      'missing',
      'closing',
      'postponed',
      'advanced',
    ]
    const columns = kinds.flatMap((kind) => [
      sql`'${sql.raw(kind)}', jsonb_build_array(sum(${sql.ref(`${kind}_count`)}), sum(${sql.ref(`${kind}_amount`)})::numeric(28, 4)::text)`,
    ])
    const [mart] = await rowsOf(sql<{ sums: Record<string, [number, string]> }>`
      select jsonb_build_object(${sql.join(columns)}) as sums
      from mart.pipeline_movement_between(${firstDay()}::date, ${lastDay()}::date)
      where currency_code = 'USD'`)
    const { movements: dollars } = await ask<PipelineAnswer>(
      `pipeline?as_of=${lastDay()}&compare=${firstDay()}&currency=USD`,
    )
    const shown = Object.fromEntries(
      dollars
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ kind, figure }) => [
          kind,
          [figure.count, new Decimal(figure.amounts.by_currency[0]?.amount ?? '0').toFixed(4)],
        ]),
    )
    expect(shown).toEqual(mart?.sums)
    expect(movements.map(({ kind }) => kind)).toContain('moved_in')
  })

  test('month ends equal mart.pipeline_month_end', async () => {
    const { month_ends } = await ask<TrendAnswer>(`trend?as_of=${lastDay()}`)
    const expected = await sumsOf(sql`
      select snapshot_date || ' ' || stage_label as label, currency_code, deal_value_amount as amount,
        deal_value_once_reporting_amount as converted
      from mart.pipeline_month_end
      where is_open and is_deal_primary and snapshot_date <= ${lastDay()}::date
        and snapshot_date > ${lastDay()}::date - interval '1 year'`)
    const shown = month_ends.flatMap(({ day, stages }) =>
      stages.map((stage) => shownOf({ ...stage, label: `${day} ${stage.label}` })),
    )
    expect(shown.length).toBeGreaterThan(10)
    expect(shown.sort(byLabel)).toEqual(expected.sort(byLabel))
  })
})

describe('the other views', () => {
  test('the funnel of today equals mart.funnel', async () => {
    const { steps, others } = await ask<FunnelAnswer>('funnel?period=FY26')
    const [mart] = await rowsOf(sql<Record<string, number>>`
      select sum(created_count)::integer as "Created", sum(accepted_count)::integer as "Accepted",
        sum(won_count)::integer as "Won", sum(registered_count)::integer as "Registered",
        sum(approved_count)::integer as "Approved", sum(lost_count)::integer as "Lost",
        sum(dropped_count)::integer as "Dropped"
      from mart.funnel where created_fiscal_year = 'FY26'`)
    const shown = Object.fromEntries(
      [...steps, ...others].map(({ label, count }) => [label, count]),
    )
    const [open] = await rowsOf(sql<{ count: number }>`
      select count(*)::integer as count from mart.referral
      where is_open and not is_missing and created_fiscal_year = 'FY26'`)
    expect(shown).toEqual({ ...mart, 'Still open': open?.count })
  })

  test('won deals and contracts equal their marts', async () => {
    const won = await ask<WonAnswer>('won?period=FY26')
    const [deals] = await sumsOf(sql`
      select 'Won' as label, currency_code, deal_value_once_amount as amount,
        deal_value_once_reporting_amount as converted
      from mart.referral where is_won and is_deal_primary and closed_fiscal_year = 'FY26'`)
    expect(shownOf(won.won)).toEqual(deals)
    const acv = (where: RawBuilder<unknown>) => sql`
      select 'x' as label, currency_code, contract_acv_amount as amount,
        contract_acv_reporting_amount as converted
      from mart.registration where ${where}`
    const [booked] = await sumsOf(
      acv(
        sql`contract_sign_date in (select date_day from dw.dim_date where fiscal_year_label = 'FY26')`,
      ),
    )
    expect({ ...shownOf(won.booked), label: 'x' }).toEqual(booked)
    const inForce = (day: RawBuilder<unknown>) =>
      acv(sql`contract_start_date <= ${day} and contract_end_exclusive_date > ${day}`)
    const [now] = await sumsOf(inForce(sql`(now() at time zone 'utc')::date`))
    expect({ ...shownOf(won.in_force.now), label: 'x' }).toEqual(now)
    const years = await sumsOf(sql`
      select period_start_fiscal_year as label, contract_currency_code as currency_code,
        scheduled_contract_amount as amount, scheduled_contract_reporting_amount as converted
      from mart.acv_schedule where period_start_fiscal_year = 'FY26'`)
    expect(won.schedule.map(shownOf)).toEqual(years)
  })

  test('registrations of today stand where mart.registration has them', async () => {
    const { statuses, waiting } = await ask<RegistrationsAnswer>('registrations')
    const expected = await rowsOf(sql<{ label: string; count: number }>`
      select registration_status as label, count(*)::integer as count
      from mart.registration group by registration_status`)
    expect(statuses.map(({ label, count }) => ({ label, count })).sort(byLabel)).toEqual(
      expected.sort(byLabel),
    )
    const [mart] = await rowsOf(sql<{ partner: number; microsoft: number }>`
      select count(*) filter (where waits_for = 'Partner')::integer as partner,
        count(*) filter (where waits_for = 'Microsoft')::integer as microsoft
      from mart.registration_review`)
    const sum = (ages: readonly { count: number }[] = []) =>
      ages.reduce((total, { count }) => total + count, 0)
    expect({ partner: sum(waiting[0]?.ages), microsoft: sum(waiting[1]?.ages) }).toEqual(mart)
  })

  test('referrals that expire or are overdue today are those of mart.expiring_referral', async () => {
    const { expiring, overdue } = await ask<RegistrationsAnswer>('registrations')
    const [mart] = await rowsOf(sql<{ expiring: number; overdue: number }>`
      select count(*) filter (where not is_overdue)::integer as expiring,
        count(*) filter (where is_overdue)::integer as overdue
      from mart.expiring_referral expiring
      join dw.dim_referral referral using (referral_key)
      where not referral.is_missing`)
    const sum = (figures: readonly { count: number }[]) =>
      figures.reduce((total, { count }) => total + count, 0)
    expect({ expiring: sum(expiring), overdue: sum(overdue) }).toEqual(mart)
  })

  test('findings are those of mart.data_quality', async () => {
    const { findings, accounts } = await ask<QualityAnswer>('quality')
    const expected = await rowsOf(sql<{ label: string; count: number }>`
      select rule_code as label, count(*)::integer as count from mart.data_quality group by rule_code`)
    expect(findings.map(({ label, count }) => ({ label, count })).sort(byLabel)).toEqual(
      expected.sort(byLabel),
    )
    expect(findings.every(({ meaning }) => meaning !== '')).toBe(true)
    expect(accounts).toHaveLength(1)
  })
})

/** Everything of an answer that leads to a list. */
function drillsIn(value: unknown): { count: number; drill: string; amounts?: Amounts }[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'drill' in value && 'count' in value ? [value as never] : []
  return [...own, ...Object.values(value).flatMap(drillsIn)]
}

describe('the list behind a number', () => {
  test.each([
    ['pipeline', ''],
    ['pipeline', '&period=FY27%20Q1'],
    ['trend', ''],
    ['funnel', '&period=FY26'],
    ['won', '&period=FY26'],
    ['registrations', ''],
    ['quality', ''],
  ])('every number of %s%s has as many rows as it counts', async (route, filter) => {
    const choice = `as_of=${lastDay()}&compare=${firstDay()}${filter}`
    const drills = drillsIn(await ask(`${route}?${choice}`))
    expect(drills.length).toBeGreaterThan(5)
    const wrong: unknown[] = []
    for (const { count, drill } of drills) {
      const { total } = await ask<ListAnswer>(`list?${choice}&${drill}`)
      if (total !== count) wrong.push({ drill, count, total })
    }
    expect(wrong).toEqual([])
  })

  test('the file holds exactly the rows of all pages, in their order, with the sums of the figure', async () => {
    const choice = `as_of=${lastDay()}&compare=${firstDay()}`
    const { open } = await ask<PipelineAnswer>(`pipeline?${choice}`)
    const query = `${choice}&${open.now.drill}&sort=customer_name&descending=true`
    const pages: ListAnswer[] = []
    for (let page = 1; page === 1 || (pages[0]?.total ?? 0) > (page - 1) * 50; page += 1) {
      pages.push(await ask<ListAnswer>(`list?${query}&page=${page}`))
    }
    const answer = await fetch(`${served().url}data/list.csv?${query}`)
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="cosell-open.csv"')
    const [header = [], ...lines] = parse(await answer.text(), { bom: true }) as string[][]
    const columns = pages[0]?.columns ?? []
    expect(header).toEqual(columns.map(({ label }) => label))
    const rows = pages.flatMap((page) => page.rows.map(({ cells }) => cells))
    expect(rows.length).toBe(open.now.count)
    expect(lines.map((line) => line[0])).toEqual(
      rows.map(([name]) => (String(name).startsWith('=') ? `'${name}` : String(name ?? ''))),
    )
    const at = (name: string) => columns.findIndex((column) => column.name === name)
    const sum = lines.reduce(
      (total, line) => total.plus(line[at('converted_amount')] || 0),
      new Decimal(0),
    )
    expect(sum.toFixed(2)).toBe(open.now.amounts.converted)
  })

  test('a page beyond the last one is the last one', async () => {
    const first = await ask<ListAnswer>('list?set=created')
    const last = Math.ceil(first.total / first.page_size)
    expect(last).toBeGreaterThan(1)
    const beyond = await ask<ListAnswer>('list?set=created&page=9999')
    expect(beyond).toEqual(await ask<ListAnswer>(`list?set=created&page=${last}`))
    expect([beyond.page, beyond.rows.length]).toEqual([last, first.total - (last - 1) * 50])
    const none = await ask<ListAnswer>('list?set=created&search=nobody%20has%20this&page=3')
    expect([none.page, none.total]).toEqual([1, 0])
  })

  test('a sort by amount is one of numbers, and rows without a value come last', async () => {
    const cells = async (descending: boolean) => {
      const answer = await fetch(
        `${served().url}data/list.csv?set=created&sort=amount&descending=${descending}`,
      )
      const lines = parse(await answer.text(), { bom: true, columns: true }) as { Value: string }[]
      const values = lines.map(({ Value }) => Value)
      const known = values.filter((value) => value !== '')
      expect(values.slice(known.length).length).toBeGreaterThan(0)
      expect(values.slice(0, known.length)).toEqual(known)
      return known.map(Number)
    }
    const down = await cells(true)
    expect(down).toEqual([...down].sort((one, other) => other - one))
    const up = await cells(false)
    expect(up).toEqual([...up].sort((one, other) => one - other))
  })

  test('a search finds a part of any text, and signs of patterns stand for themselves', async () => {
    const all = await ask<ListAnswer>('list?set=created')
    const found = await ask<ListAnswer>(
      `list?set=created&search=${encodeURIComponent(planted.slice(0, 12).toLowerCase())}`,
    )
    expect(found.total).toBe(1)
    const [expected] = await rowsOf(sql<{ count: number }>`
      select count(*)::integer as count from mart.referral
      where not (is_missing and is_open)
        and created_date > (now() at time zone 'utc')::date - 730
        and concat_ws('|', referral_name, customer_name, stage_label, currency_code, country_code,
          solution_area, solution_play, deal_type, account_code, referral_id) like '%\\%%'`)
    const percent = await ask<ListAnswer>('list?set=created&search=%25')
    expect(percent.total).toBe(expected?.count)
    expect(percent.total).toBeLessThan(all.total)
  })

  test.each([
    'list?set=nothing',
    'list?set=open&sort=secret',
    'list?set=open&page=0',
    'list?set=open&page=1e9',
    'list?set=created&stage=x',
    'list?set=movement&kind=__proto__',
    'list?set=movement&kind=won&stage=Nope',
    'list?set=open&kind=won',
    'list?set=open&side=foo',
    'list?set=open&overdue=false',
    'list?set=open&day=xx',
    'list?set=open&day=',
    'list?set=open&day=infinity',
    'list?set=open&day=2099-01-01',
    'list?set=decided&won=false',
    'list?set=in_force&side=foo',
    'list?set=expiring&expiring=no',
    'list?set=created&step=Nope',
    'list?set=__proto__',
    'pipeline?set=open',
    'pipeline?period=FY2026',
    'referral?account_key=1',
    "referral?account_key=1&referral_key=1'",
  ])('%s is refused with a sentence', async (route) => {
    const answer = await fetch(`${served().url}data/${route}`)
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { message: string }).message).toMatch(/expected/)
  })
})

describe('notes', () => {
  const notesOf = async (route: string) =>
    (await ask<{ notes: readonly string[] }>(route)).notes.join(' ')

  test.each(['pipeline', 'funnel', 'won', 'registrations'])(
    'the view %s says what the period filters, where one is chosen',
    async (view) => {
      expect(await notesOf(`${view}?period=FY26`)).toMatch(/^The fiscal period is that /)
      expect(await notesOf(view)).not.toContain('The fiscal period is')
    },
  )

  test('the data quality says that periods do not filter it, where one is chosen too', async () => {
    const notes = await notesOf('quality?period=FY26')
    expect(notes).toBe('Findings are those of today; periods and days do not filter them.')
  })

  test.each(['pipeline', 'trend', 'funnel', 'won', 'registrations'])(
    'the view %s says at which rates it converts, and nothing where one currency is shown',
    async (view) => {
      expect(await notesOf(view)).toMatch(/converted at/)
      expect(await notesOf(`${view}?currency=EUR`)).not.toMatch(/converted/)
    },
  )
})

test('the currencies of contracts are among those to choose, with their decimals', async () => {
  const undone = new Error('undone')
  const reading = loaded()
    .db.transaction()
    .execute(async (query) => {
      await sql`
        update dw.fact_registration set currency_code = 'KWD'
        where (partner_account_key, referral_key, registration_no) in (
          select partner_account_key, referral_key, registration_no
          from dw.fact_registration limit 1)`.execute(query)
      const { currencies } = await readChoices(query, lastDay())
      expect(currencies).toContainEqual({ value: 'KWD', label: 'KWD', minor_unit: 3 })
      throw undone
    })
  await expect(reading).rejects.toBe(undone)
})

describe('the fiscal year', () => {
  test('a fiscal year that begins in another month gives the quarters of the pipeline anew', async () => {
    const { db } = loaded()
    const quarters = async () => {
      const { close_quarters } = await ask<PipelineAnswer>(`pipeline?as_of=${firstDay()}`)
      return close_quarters
        .map(({ now }) => shownOf(now))
        .filter(({ count }) => count > 0)
        .sort(byLabel)
    }
    const label = sql`
      coalesce((select fiscal_quarter_label from dw.dim_date where date_day = expected_close_date), '')`
    const before = await quarters()
    try {
      // The label of the day itself stays the same.
      await applyFiscalYear(db, 8)
      const after = await quarters()
      expect(after).not.toEqual(before)
      expect(after).toEqual((await sumsOf(openOn(firstDay(), label))).sort(byLabel))
    } finally {
      await applyFiscalYear(db, 7)
    }
  })
})

describe('while the warehouse is locked', () => {
  /** Statements of this database that wait for a lock. */
  const waiting = async () => {
    const [row] = await rowsOf(sql<{ count: number }>`
      select count(*)::integer as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`)
    return row?.count
  }
  const whileLocked = (use: () => Promise<void>) =>
    loaded()
      .db.transaction()
      .execute(async (locking) => {
        await sql`lock table dw.fact_referral in access exclusive mode`.execute(locking)
        await use()
      })

  const someReferral = async () => {
    const [row] = await rowsOf(sql<{ key: number; account: number; id: string }>`
      select referral_key as key, partner_account_key as account, referral_id as id
      from dw.dim_referral order by referral_key limit 1`)
    if (row === undefined) throw new Error('no referral')
    return row
  }

  test.each(['funnel', 'pipeline', 'list.csv?set=created', 'explain'])(
    'a browser that leaves ends the statement of %s',
    async (route) => {
      const { key, account } = await someReferral()
      const query = route === 'explain' ? `?account_key=${account}&referral_key=${key}` : ''
      await whileLocked(async () => {
        const leaving = new AbortController()
        const asked = fetch(`${served().url}data/${route}${query}`, { signal: leaving.signal })
        asked.catch(() => undefined)
        await expect.poll(waiting, { timeout: 5_000 }).toBe(1)
        leaving.abort()
        await expect(asked).rejects.toThrow()
        await expect.poll(waiting, { timeout: 5_000 }).toBe(0)
      })
    },
  )

  test('one who asks for the same as a browser that left is answered', async () => {
    const route = `pipeline?as_of=${days[1]}&compare=${days[1]}`
    let second: Promise<PipelineAnswer> | undefined
    await whileLocked(async () => {
      const leaving = new AbortController()
      const first = fetch(`${served().url}data/${route}`, { signal: leaving.signal })
      first.catch(() => undefined)
      await expect.poll(waiting, { timeout: 5_000 }).toBe(1)
      second = ask<PipelineAnswer>(route)
      second.catch(() => undefined)
      await new Promise((done) => setTimeout(done, 300))
      leaving.abort()
      await expect(first).rejects.toThrow()
    })
    expect((await second)?.open.now.count).toBeGreaterThan(0)
  })

  test('an explanation has a time limit', async () => {
    const { id } = await someReferral()
    const { db } = loaded()
    const found = await findReferral(db, { referralId: id })
    await whileLocked(async () => {
      await expect(explainReferral(db, found, { timeoutMs: 200 })).rejects.toMatchObject({
        code: '57014',
      })
    })
  })

  test('the server ends at once', async () => {
    const other = await serveWarehouse(loaded())
    await whileLocked(async () => {
      const asked = fetch(`${other.url}data/funnel`)
      asked.catch(() => undefined)
      await expect.poll(waiting, { timeout: 5_000 }).toBe(1)
      const begun = performance.now()
      await other.close()
      expect(performance.now() - begun).toBeLessThan(5_000)
      expect(await waiting()).toBe(0)
      await expect(asked).rejects.toThrow()
    })
  })
})

describe('the page of a referral', () => {
  test('its life has every state and change of the history, latest first', async () => {
    const [row] = await rowsOf(sql<{ referral_key: number; partner_account_key: number }>`
      select referral_key, partner_account_key from dw.fact_referral_history
      where not is_estimated
      group by referral_key, partner_account_key order by count(*) desc, referral_key limit 1`)
    const key = `account_key=${row?.partner_account_key}&referral_key=${row?.referral_key}`
    const referral = await ask<ReferralAnswer>(`referral?${key}`)
    const states = await rowsOf(sql<{ version_no: number }>`
      select version_no from dw.fact_referral_history
      where referral_key = ${row?.referral_key} order by version_no desc`)
    const versions = referral.life.map(({ version_no }) => version_no).filter((no) => no !== null)
    expect(versions).toEqual(states.map(({ version_no }) => version_no))
    const changes = await rowsOf(sql<{ count: number }>`
      select count(*)::integer as count from mart.referral_change
      where referral_key = ${row?.referral_key}`)
    expect(referral.life.flatMap((night) => night.changes)).toHaveLength(changes[0]?.count ?? -1)
    expect(changes[0]?.count).toBeGreaterThan(2)
  })

  test('its contract, lines and schedule are those of the marts, and its explanation is there', async () => {
    const [row] = await rowsOf(sql<{
      referral_key: number
      account: number
      lines: number
      years: number
    }>`
      select line.referral_key, line.partner_account_key as account, count(distinct line.line_no)::integer as lines,
        (select count(*) from mart.acv_schedule year where year.referral_key = line.referral_key)::integer as years
      from mart.acv_line line group by line.referral_key, line.partner_account_key
      order by 4 desc, 1 limit 1`)
    const key = `account_key=${row?.account}&referral_key=${row?.referral_key}`
    const referral = await ask<ReferralAnswer>(`referral?${key}`)
    const count = (part: 'lines' | 'schedule') =>
      referral.registrations.reduce((sum, one) => sum + one[part].rows.length, 0)
    expect(count('schedule')).toBe(row?.years)
    expect(count('lines')).toBeGreaterThanOrEqual(row?.lines ?? -1)
    const [contract] = referral.registrations
    const currencies = [contract?.lines, contract?.schedule].map((part) =>
      Object.fromEntries(
        (part?.columns ?? []).flatMap(({ name, kind, currency }) =>
          kind === 'amount' ? [[name, currency]] : [],
        ),
      ),
    )
    expect(currencies).toEqual([
      {
        solution_value_amount: 'currency_code',
        solution_acv_amount: 'currency_code',
        allocated_contract_acv_amount: 'contract_currency_code',
      },
      {
        scheduled_solution_amount: 'currency_code',
        scheduled_contract_amount: 'contract_currency_code',
      },
    ])
    const explained = await ask<{ referral_id: string; registrations: unknown[] }>(`explain?${key}`)
    expect(explained.referral_id).toBe(referral.referral_id)
    expect(explained.registrations).toHaveLength(referral.registrations.length)
  })

  test('a referral that is not there is not found', async () => {
    const answer = await fetch(`${served().url}data/referral?account_key=1&referral_key=999999999`)
    expect(answer.status).toBe(404)
  })
})
