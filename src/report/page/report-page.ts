import { html, isolated, Markup } from '../html.ts'
import type { AccountFreshness, CurrencyAmount, Group, ReportData, Since } from '../report-data.ts'
import {
  amountCell,
  briefAmount,
  briefChange,
  type Conversion,
  differenceOf,
  nothing,
} from './amounts.ts'
import { figure, table } from './figure.ts'
import { counted, decimal, exact, minute, percent, whole } from './format.ts'
import { microsoftAcv } from './section-microsoft.ts'
import { business, outlook, pipeline, quality } from './sections.ts'
import { style } from './style.ts'

/** Age above which an account gets a warning, because it missed a nightly run. */
const staleHours = 26

/**
 * Renders the report as one self-contained HTML page, without scripts and requests. The same data
 * gives the same page.
 */
export function renderReport(data: ReportData): string {
  const isEmpty = data.accounts.every(({ referral_count }) => referral_count === 0)
  const body = isEmpty ? emptyWarehouse : sections(data)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>Co-sell report, ${data.made_at.slice(0, 10)}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>Co-sell report</h1>
${isEmpty ? '' : asOf(data)}
</header>
<main>
${body}</main>
<footer>${footer(data, isEmpty)}</footer>
</body>
</html>
`.text
}

const emptyWarehouse = html`<p>The warehouse is empty: no referral has been published yet. Run
<code>cosell run</code>, or <code>cosell demo</code> to see the report with invented referrals.</p>
`

function sections(data: ReportData): Markup {
  const conversion = {
    currency: data.reporting_currency,
    minorUnit: data.reporting_minor_unit,
    isConverted: data.is_converted,
  }
  return html`${conversion.isConverted ? '' : noRates}${headline(data, conversion)}
${conversion.isConverted ? '' : currencies(data)}
${pipeline(data, conversion)}
${business(data, conversion)}
${microsoftAcv(data)}${outlook(data, conversion)}
${quality(data)}
`
}

const noRates = html`<p class="warn">No exchange rates are loaded, so amounts cannot be added up.
They are shown in their own currencies, and bars show numbers instead of values.
<code>cosell fx</code> loads rates.</p>
`

function asOf({ accounts, day, is_as_of, made_at }: ReportData): Markup {
  const published = accounts
    .flatMap(({ last_published_at: at }) => (at === null ? [] : [at]))
    .sort()
  const [oldest, newest] = [published[0], published.at(-1)]
  if (oldest === undefined || newest === undefined)
    return html`<p class="warn">Never published.</p>`
  const times = oldest === newest ? time(newest) : html`between ${time(oldest)} and ${time(newest)}`
  const names = accounts.map(
    ({ account }, index) => html`${index === 0 ? '' : ', '}${isolated(account)}`,
  )
  const seen = made_at.startsWith(day) && !is_as_of ? '' : html` · Business as of ${day}`
  return html`<p>As published ${times}${seen} · ${counted(accounts.length, 'account')}: ${names}</p>
${accounts.filter(isStale).map(staleness)}`
}

function isStale({ age_hours, referral_count }: AccountFreshness): boolean {
  return referral_count > 0 && (age_hours === null || age_hours > staleHours)
}

function staleness({ account, age_hours }: AccountFreshness): Markup {
  const since = age_hours === null ? 'was never published' : `is ${decimal(age_hours)} hours old`
  return html`<p class="warn">Warning: account ${isolated(account)} ${since}.</p>
`
}

function time(instant: string): Markup {
  return html`<time datetime="${instant}">${minute(instant)}</time>`
}

function headline({ headline: now, expiring }: ReportData, conversion: Conversion): Markup {
  const changes = (changeOf: (since: Since) => string) =>
    now.since.map((since) => html`<span>Since ${since.day}: ${changeOf(since)}</span>`)
  const worth = (name: string, group: Group, many: string, changeOf: (since: Since) => string) =>
    tile(
      name,
      briefAmount(conversion, group, many),
      amountNote(conversion, group, many),
      changes(changeOf),
    )
  const rate = `${whole(now.won_count)} won of ${whole(now.decided_count)} decided in the last 12 months`
  return html`<dl>
${worth('Open pipeline', now.open, 'deals', ({ movement }) => openChange(conversion, movement))}
${worth('Won in the last 12 months', now.won, 'deals', ({ won }) => briefChange(conversion, differenceOf(won, nothing), 'deals'))}
${tile(
  'Win rate',
  percent(now.won_count, now.decided_count),
  html`${rate}`,
  changes(({ won, decided_count }) => `${whole(won.count)} won of ${whole(decided_count)} decided`),
)}
${worth('Contract ACV signed in the last 12 months', now.signed, 'contracts', ({ signed }) => briefChange(conversion, differenceOf(signed, nothing), 'contracts'))}
${worth('Contract ACV in force', now.in_force, 'contracts', ({ in_force }) => briefChange(conversion, differenceOf(now.in_force, in_force), 'contracts'))}
${worth(`Open and expiring within ${expiring.days} days`, expiring.group, 'referrals', ({ due }) => `${whole(due.count)} newly due`)}
</dl>
`
}

/** What the open pipeline gained or lost between the two days. */
function openChange(conversion: Conversion, movement: readonly Group[]): string {
  const end = (name: string) => movement.find(({ label }) => label === name) ?? nothing
  return briefChange(conversion, differenceOf(end('Closing'), end('Opening')), 'deals')
}

/** Table of amounts by currency, in place of sums when there are no rates. */
function currencies({ headline: now }: ReportData): Markup {
  const groups = [now.open, now.won, now.signed, now.in_force]
  const codes = [
    ...new Set(groups.flatMap(({ amounts }) => amounts.by_currency).map(codeOf)),
  ].sort()
  const rows = codes.map((code) => [
    isolated(code),
    ...groups.map(({ amounts }) => {
      const found = amounts.by_currency.find((one) => codeOf(one) === code)
      return found === undefined ? '–' : exact(found.amount, found.minor_unit)
    }),
  ])
  const heads = ['Currency', 'Open', 'Won', 'ACV signed', 'ACV in force']
  return figure({ id: 'currencies', title: 'Amounts by currency' }, table({ heads, rows }))
}

const codeOf = ({ currency_code }: CurrencyAmount) => currency_code

function amountNote(conversion: Conversion, group: Group, many: string): Markup {
  const count = counted(group.count, many.replace(/s$/, ''), many)
  const amounts = amountCell(conversion, group.amounts)
  return conversion.isConverted ? html`${count} · ${amounts}` : html`amounts below`
}

function tile(name: string, value: string, note: Markup, changes: readonly Markup[]): Markup {
  return html`<div><dt>${name}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd><dd class="since">${changes}</dd></div>`
}

function footer(data: ReportData, isEmpty: boolean): Markup {
  const made = html`Made ${time(data.made_at)} by cosell.`
  if (isEmpty) return made
  const ofDeals = data.is_as_of
    ? html`deals at the rate of ${data.day}`
    : html`deals at the rate of the day they closed or are expected to close, today's rate for future days`
  const rates = data.is_converted
    ? html` Amounts are in ${isolated(data.reporting_currency)}: ${ofDeals}; contracts at the rate of the day they were
signed; month ends at the rate of that day. Amounts without a rate are listed in their own currency
and are in no sum.`
    : ''
  const past = data.is_as_of
    ? html` Deals and registrations are shown as they stood at the end of ${data.day}. As
they are now: their names, solutions and countries; contracts, also those in force on earlier days;
Microsoft's annual contract value; freshness and data quality.`
    : ''
  return html`${made}${past}${rates} Open referrals that are missing from the source are left out.`
}
