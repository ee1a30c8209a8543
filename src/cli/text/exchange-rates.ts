import type { RatesSummary } from '../../exchange-rates/load-file.ts'

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

export function renderRates(summary: RatesSummary): string {
  const { source, reporting_currency, rates, currencies, from, to } = summary
  const lines = [
    `Read ${counted(rates, 'rate', 'rates')} (${source}) of ` +
      `${counted(currencies, 'currency', 'currencies')}, from ${from} to ${to}.`,
    coverage(summary),
    `${summary.rows_written} daily rates into ${reporting_currency} changed in dw.fx_rate.`,
  ]
  const { missing_rate_findings: missing } = summary
  if (missing > 0) {
    const findings = counted(missing, 'finding', 'findings')
    lines.push(`Some amounts cannot be converted: see ${findings} of rule missing_fx_rate.`)
  }
  return lines.join('\n')
}

/** Sentence on the days that the rates reach. */
function coverage({ days, days_covered, days_carried }: RatesSummary): string {
  const reach = `A rate is used until the next one, for ${days_carried} days at most`
  if (days_covered === days) return `${reach}.`
  return (
    `${reach}: ${days_covered} of the ${days} days have one. ` +
    'Rates that are a month apart need --carry-days 30.'
  )
}
