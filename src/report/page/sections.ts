import { html, isolated, type Markup } from '../html.ts'
import type {
  AccountFreshness,
  ExpiringReferral,
  Group,
  Ranking,
  ReportData,
  Since,
} from '../report-data.ts'
import {
  amountCell,
  amountHead,
  type Conversion,
  currencyAmount,
  measure,
  unconvertedNote,
} from './amounts.ts'
import { type BarRow, barTable, figure, seriesOf, table } from './figure.ts'
import { counted, countryName, days, decimal, minute, percent, whole } from './format.ts'
import { monthEndChart, periodChart, stageSeries } from './sections-time.ts'

/** Section on open referrals and how they move through the stages. */
export function pipeline(data: ReportData, conversion: Conversion): Markup {
  const { stages, headline, funnel } = data
  const series = stageSeries(data)
  const total = ['Total', whole(headline.open.count), amountCell(conversion, headline.open.amounts)]
  const [created] = funnel.steps
  const steps = funnel.steps.map(({ label, count, median_days }, index) => ({
    label,
    value: String(count),
    cells: [
      whole(count),
      percent(count, created?.count ?? 0),
      index === 0 ? '' : percent(count, funnel.steps[index - 1]?.count ?? 0),
      index === 0 ? '' : days(median_days),
    ],
  }))
  return html`<section><h2>Pipeline</h2>
${barTable(
  { id: 'stages', title: 'Open pipeline by stage', note: unconvertedNote(conversion, stages) },
  ['Stage', 'Deals', amountHead(conversion, 'Value')],
  stages.map((group) => ({
    ...groupRow(conversion, group),
    series: seriesOf(series.indexOf(group.label)),
  })),
  total,
)}
${monthEndChart(data, conversion, series)}
${headline.since.some(({ movement }) => movement.length > 0) ? movementTable(headline.since, conversion) : ''}
${barTable(
  {
    id: 'funnel',
    title: 'Funnel',
    note: `Referrals created since ${funnel.since} by the steps they reached; days count from creation`,
  },
  ['Step', 'Referrals', 'Of created', 'Of step before', 'Median days'],
  steps,
)}</section>`
}

/** What moved the open pipeline since each of the days, step by step. */
function movementTable(since: readonly Since[], conversion: Conversion): Markup {
  const groups = since.flatMap(({ movement }) => movement)
  const names = [...new Set(groups.map(({ label }) => label))].filter((name) =>
    groups.some((group) => group.label === name && isShown(group)),
  )
  const rows = names.map((name) => [
    name,
    ...since.map(({ movement }) => {
      const step = movement.find(({ label }) => label === name)
      if (step === undefined || !isShown(step)) return '–'
      const count = name === 'Changed currency' ? '' : counted(step.count, 'deal')
      return html`${amountCell(conversion, step.amounts)}<small>${count}</small>`
    }),
  ])
  const total = rows.at(-1)
  return figure(
    {
      id: 'movement',
      title: 'What moved the open pipeline',
      note: html`Each deal once, by where it stood on the two days; what leaves has the value that it had. Amounts are at the rate of the later day.${unconvertedNote(
        conversion,
        groups.filter(({ label }) => label === 'Closing'),
      )}`,
    },
    table({
      heads: ['Movement', ...since.map(({ day }) => amountHead(conversion, `Since ${day}`))],
      rows: rows.slice(0, -1),
      ...(total === undefined ? {} : { total }),
    }),
  )
}

/** Whether a movement happened to a deal; the pipeline on the two days is shown even if empty. */
function isShown({ label, count, amounts }: Group): boolean {
  const isEnd = label === 'Opening' || label === 'Closing'
  return isEnd || count > 0 || amounts.by_currency.length > 0
}

/** Section on won deals, signed contracts and their schedule. */
export function business(data: ReportData, conversion: Conversion): Markup {
  const { won_by_quarter, signed_by_quarter, schedule, registrations } = data
  const rows = registrations.map((group) => ({
    label: isolated(group.label),
    value: String(group.count),
    cells: [
      whole(group.count),
      amountCell(conversion, group.amounts),
      days(group.median_lead_days),
      days(group.slow_lead_days),
    ],
  }))
  return html`<section><h2>Won business and contracts</h2>
<div class="pair">${periodChart(conversion, {
    id: 'won',
    title: 'Won value by fiscal quarter of closing',
    counted: 'Deals',
    amount: 'Value',
    groups: won_by_quarter,
  })}
${periodChart(conversion, {
  id: 'signed',
  title: 'Contract ACV by fiscal quarter of signing',
  counted: 'Contracts',
  amount: 'ACV',
  groups: signed_by_quarter,
})}</div>
${periodChart(conversion, {
  id: 'schedule',
  title: 'ACV schedule by fiscal year',
  note: 'Value of each contract year, in the fiscal year in which it starts',
  counted: 'Contract years',
  amount: 'Amount',
  groups: schedule,
  around: data.headline.fiscal_year_label,
})}
${barTable(
  {
    id: 'registrations',
    title: 'Deal registrations by state',
    note: html`Days from registration to the approval that holds${unconvertedNote(conversion, registrations)}`,
  },
  ['State', 'Number', amountHead(conversion, 'Contract ACV'), 'Median days', '90 % within'],
  rows,
)}</section>`
}

/** Sections on expiring referrals, and on solutions and countries. */
export function outlook(data: ReportData, conversion: Conversion): Markup {
  const { expiring, solutions, countries, accounts } = data
  const { group, referrals, overdue, overdue_count } = expiring
  const title = `Open referrals that expire within ${expiring.days} days`
  const shown = (which: string, listed: readonly unknown[], count: number) =>
    count > listed.length ? `The ${which} ${listed.length} of ${whole(count)}.` : ''
  const list = (listed: readonly ExpiringReferral[]) => {
    const rows = listed.map((referral) => expiringRow(referral, accounts.length > 1))
    const heads = ['Referral', 'Expires', 'Value']
    return rows.length === 0 ? html`<p class="quiet">None.</p>` : table({ heads, rows })
  }
  return html`<section><h2>Expiring and overdue</h2>
${figure({ id: 'expiring', title, note: shown('next', referrals, group.count) }, list(referrals))}
${figure(
  {
    id: 'overdue',
    title: 'Open referrals past their day of expiry',
    note: shown('latest', overdue, overdue_count),
  },
  list(overdue),
)}</section>
<section><h2>Solutions and countries</h2>
<div class="pair">${ranking(conversion, 'solutions', 'Contract ACV by solution', 'Solution', solutions)}
${ranking(conversion, 'countries', 'Contract ACV by country of the customer', 'Country', withCountryNames(countries))}</div></section>`
}

function expiringRow(referral: ExpiringReferral, hasAccounts: boolean): Markup[] {
  const { referral_id, account, days_left, amount } = referral
  const accountLabel = hasAccounts ? html` · ${isolated(account)}` : ''
  const value = amount === null ? html`–` : currencyAmount({ ...referral, amount })
  const time =
    days_left === 0
      ? 'today'
      : days_left > 0
        ? `in ${counted(days_left, 'day')}`
        : `${counted(-days_left, 'day')} ago`
  return [
    html`<span class="name">${isolated(referral.referral_name ?? '(no name)')}</span><small>${isolated(referral.stage_label)}${accountLabel} · ${isolated(referral_id)}</small>`,
    html`<span class="number">${referral.expiration_date}</span><small>${time}</small>`,
    value,
  ]
}

function ranking(
  conversion: Conversion,
  id: string,
  title: string,
  head: string,
  { groups, label_count }: Ranking,
): Markup {
  const note = `The largest ${groups.length} of ${whole(label_count)}`
  return barTable(
    { id, title, note: html`${note}${unconvertedNote(conversion, groups)}` },
    [head, 'Lines', amountHead(conversion, 'ACV')],
    groups.map((group) => groupRow(conversion, group)),
  )
}

function withCountryNames({ groups, label_count }: Ranking): Ranking {
  const named = groups.map((group) => ({ ...group, label: countryName(group.label) }))
  return { groups: named, label_count }
}

function groupRow(conversion: Conversion, group: Group): BarRow {
  return {
    label: html`<span class="name">${isolated(group.label)}</span>`,
    value: measure(conversion, group),
    cells: [whole(group.count), amountCell(conversion, group.amounts)],
  }
}

/** Section on freshness and open findings. */
export function quality({ accounts, findings }: ReportData): Markup {
  const freshness = accounts.map((account) => [
    isolated(account.account),
    publication(account),
    whole(account.referral_count),
    whole(account.open_finding_count),
    whole(account.quarantine_count),
  ])
  const isMany = accounts.length > 1
  const rows = findings.map(({ account, rule_code, severity, finding_count }) => ({
    label: html`${rule_code.replaceAll('_', ' ')} <span class="quiet">· ${severity}${isMany ? html` · ${isolated(account)}` : ''}</span>`,
    value: String(finding_count),
    cells: [whole(finding_count)],
  }))
  return html`<section><h2>Data quality and freshness</h2>
${figure(
  { id: 'freshness', title: 'Accounts' },
  table({
    heads: ['Account', 'Last published', 'Referrals', 'Open findings', 'Quarantined'],
    rows: freshness,
  }),
)}
${barTable(
  { id: 'findings', title: 'Open findings by rule' },
  ['Rule', 'Findings'],
  rows,
)}</section>`
}

function publication({ last_published_at: at, age_hours }: AccountFreshness): Markup {
  if (at === null || age_hours === null) return html`never`
  const age = age_hours < 1 ? 'within the last hour' : `${decimal(age_hours)} hours ago`
  return html`${minute(at)}<small>${age}</small>`
}
