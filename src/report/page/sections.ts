import { foreign, html, type Markup } from '../html.ts'
import type {
  AccountFreshness,
  ExpiringReferral,
  Group,
  Ranking,
  ReportFigures,
} from '../report-data.ts'
import { amountCell, amountHead, inCurrency, leftOut, type Money, measure } from './amounts.ts'
import { type BarRow, barTable, figure, table } from './figure.ts'
import { counted, countryName, days, minute, percent, whole } from './format.ts'
import { periodChart, stageCourse } from './sections-time.ts'

/** What is open, and how referrals move through the stages. */
export function pipeline(figures: ReportFigures, money: Money): Markup {
  const { stages, headline, funnel } = figures
  const total = ['Total', whole(headline.open.count), amountCell(money, headline.open.amounts)]
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
  { id: 'stages', title: 'Open pipeline by stage', note: leftOut(money, stages) },
  ['Stage', 'Deals', amountHead(money, 'Value')],
  stages.map((group) => groupRow(money, group)),
  total,
)}
${stageCourse(figures, money)}
${barTable(
  {
    id: 'funnel',
    title: 'Funnel',
    note: `Referrals created since ${funnel.since} and what became of them; days count from creation`,
  },
  ['Step', 'Referrals', 'Of created', 'Of step before', 'Median days'],
  steps,
)}</section>`
}

/** What was won and signed, and what falls due. */
export function business(figures: ReportFigures, money: Money): Markup {
  const { won_by_quarter, signed_by_quarter, schedule, registrations } = figures
  const rows = registrations.map((group) => ({
    label: foreign(group.label),
    value: String(group.count),
    cells: [
      whole(group.count),
      amountCell(money, group.amounts),
      days(group.median_lead_days),
      days(group.slow_lead_days),
    ],
  }))
  return html`<section><h2>Won business and contracts</h2>
<div class="pair">${periodChart(money, {
    id: 'won',
    title: 'Won value by fiscal quarter of closing',
    counted: 'Deals',
    amount: 'Value',
    groups: won_by_quarter,
  })}
${periodChart(money, {
  id: 'signed',
  title: 'Contract ACV by fiscal quarter of signing',
  counted: 'Contracts',
  amount: 'ACV',
  groups: signed_by_quarter,
})}</div>
${periodChart(money, {
  id: 'schedule',
  title: 'ACV schedule by fiscal year',
  note: 'What each contract year is worth, in the fiscal year in which it starts',
  counted: 'Contract years',
  amount: 'Amount',
  groups: schedule,
  around: figures.headline.fiscal_year_label,
})}
${barTable(
  {
    id: 'registrations',
    title: 'Deal registrations by state',
    note: html`Days from registration to the first approval${leftOut(money, registrations)}`,
  },
  ['State', 'Number', amountHead(money, 'Contract ACV'), 'Median days', '90 % within'],
  rows,
)}</section>`
}

/** What expires, and where business comes from. */
export function outlook(figures: ReportFigures, money: Money): Markup {
  const { expiring, solutions, countries, accounts } = figures
  const { group, referrals } = expiring
  const isShortened = group.count > referrals.length
  const title = `Open referrals that expire within ${expiring.days} days`
  const overdue = counted(expiring.overdue_count, 'open referral')
  const note = [
    ...(isShortened ? [`The next ${referrals.length} of ${whole(group.count)}.`] : []),
    ...(expiring.overdue_count > 0 ? [`${overdue} already past the day of expiry.`] : []),
  ].join(' ')
  const rows = referrals.map((referral) => expiringRow(referral, accounts.length > 1))
  const heads = ['Deal', 'Expires', 'Value']
  const list = rows.length === 0 ? html`<p class="quiet">None.</p>` : table({ heads, rows })
  return html`<section><h2>Expiring</h2>
${figure({ id: 'expiring', title, note }, list)}</section>
<section><h2>Solutions and countries</h2>
<div class="pair">${ranking(money, 'solutions', 'Contract ACV by solution', 'Solution', solutions)}
${ranking(money, 'countries', 'Contract ACV by country of the customer', 'Country', named(countries))}</div></section>`
}

function expiringRow(referral: ExpiringReferral, hasAccounts: boolean): Markup[] {
  const { referral_id, account, days_left, amount, currency_code } = referral
  const whose = hasAccounts ? html` · ${foreign(account)}` : ''
  const value = amount === null ? html`–` : inCurrency({ currency_code, amount, count: 1 })
  const left = days_left === 0 ? 'today' : `in ${counted(days_left, 'day')}`
  return [
    html`<span class="name">${foreign(referral.referral_name ?? '(no name)')}</span><small>${foreign(referral.stage_label)}${whose} · ${foreign(referral_id)}</small>`,
    html`<span class="number">${referral.expiration_date}</span><small>${left}</small>`,
    value,
  ]
}

function ranking(
  money: Money,
  id: string,
  title: string,
  head: string,
  { groups, label_count }: Ranking,
): Markup {
  const note = `The largest ${groups.length} of ${whole(label_count)}`
  return barTable(
    { id, title, note: html`${note}${leftOut(money, groups)}` },
    [head, 'Lines', amountHead(money, 'ACV')],
    groups.map((group) => groupRow(money, group)),
  )
}

function named({ groups, label_count }: Ranking): Ranking {
  const withNames = groups.map((group) => ({ ...group, label: countryName(group.label) }))
  return { groups: withNames, label_count }
}

function groupRow(money: Money, group: Group): BarRow {
  return {
    label: html`<span class="name">${foreign(group.label)}</span>`,
    value: measure(money, group),
    cells: [whole(group.count), amountCell(money, group.amounts)],
  }
}

/** How far the figures can be trusted. */
export function quality({ accounts, findings }: ReportFigures): Markup {
  const freshness = accounts.map((account) => [
    foreign(account.account),
    publication(account),
    whole(account.referral_count),
    whole(account.open_finding_count),
    whole(account.quarantine_count),
  ])
  const isMany = accounts.length > 1
  const rows = findings.map(({ account, rule_code, severity, finding_count }) => ({
    label: html`${rule_code.replaceAll('_', ' ')} <span class="quiet">· ${severity}${isMany ? html` · ${foreign(account)}` : ''}</span>`,
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
  const age = age_hours < 1 ? 'within the last hour' : `${days(age_hours)} hours ago`
  return html`${minute(at)}<small>${age}</small>`
}
