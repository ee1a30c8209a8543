/** What loading a file of exchange rates did, as `fx --json` prints it. */
export interface RateFigures {
  readonly source: string
  readonly reporting_currency: string
  readonly rates: number
  readonly currencies: number
  readonly from: string
  readonly to: string
  readonly rows_written: number
  readonly missing_rate_findings: number
}

export function renderRates(figures: RateFigures): string {
  const { source, reporting_currency, rates, currencies, from, to } = figures
  const lines = [
    `Read ${rates} rates (${source}) of ${currencies} currencies, from ${from} to ${to}.`,
    `${figures.rows_written} daily rates into ${reporting_currency} changed in dw.fx_rate.`,
  ]
  const { missing_rate_findings: missing } = figures
  if (missing > 0) {
    lines.push(`Not everything can be converted: ${missing} findings missing_fx_rate say what.`)
  }
  return lines.join('\n')
}
