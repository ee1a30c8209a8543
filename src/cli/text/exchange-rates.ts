import type { RatesSummary } from '../../exchange-rates/load-file.ts'

export function renderRates(summary: RatesSummary): string {
  const { source, reporting_currency, rates, currencies, from, to } = summary
  const lines = [
    `Read ${rates} rates (${source}) of ${currencies} currencies, from ${from} to ${to}.`,
    `${summary.rows_written} daily rates into ${reporting_currency} changed in dw.fx_rate.`,
  ]
  const { missing_rate_findings: missing } = summary
  if (missing > 0) {
    lines.push(
      `Some amounts cannot be converted: ${missing} findings of rule missing_fx_rate name them.`,
    )
  }
  return lines.join('\n')
}
