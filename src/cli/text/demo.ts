import type { RunSummary } from '../../pipeline/run-summary.ts'
import type { AcvOfYear, TableRows } from '../../report/queries/status.ts'
import { formatCount, renderGrid } from './grid.ts'
import { renderRun } from './run-summary.ts'

/** Everything that the demo shows after its run. */
export interface DemoResult {
  readonly summary: RunSummary
  readonly tables: readonly TableRows[]
  readonly acv: readonly AcvOfYear[]
  /** Path of the HTML report. */
  readonly report: string
  /** Connection string of the warehouse. */
  readonly url: string
  readonly isEmbedded: boolean
}

export function renderDemo({ summary, tables, acv, ...places }: DemoResult): string {
  return [renderRun(summary), renderTables(tables), renderAcv(acv), nextSteps(places)].join('\n\n')
}

export function renderTables(tables: readonly TableRows[]): string {
  return renderGrid(
    ['Table', 'Rows'],
    tables.map(({ table, rows }) => [table, formatCount(rows)]),
  )
}

/** Renders contract ACV in whole units by fiscal year and currency; currencies are not summed. */
export function renderAcv(acv: readonly AcvOfYear[]): string {
  const currencies = [...new Set(acv.map((row) => row.currency_code))].sort()
  const years = [...new Set(acv.map((row) => row.fiscal_year_label))].sort()
  const amountOf = (year: string, currency: string) => {
    const found = acv.find(
      (row) => row.fiscal_year_label === year && row.currency_code === currency,
    )
    return found === undefined ? '-' : wholeUnits(found.contract_acv_amount)
  }
  return renderGrid(
    ['Contract ACV', ...currencies],
    years.map((year) => [year, ...currencies.map((currency) => amountOf(year, currency))]),
  )
}

/** Cuts an amount at its decimal point, without rounding, and separates its thousands. */
function wholeUnits(amount: string): string {
  return BigInt(amount.split('.')[0] ?? '0').toLocaleString('en-US')
}

function nextSteps({ report, url, isEmbedded }: Pick<DemoResult, 'report' | 'url' | 'isEmbedded'>) {
  return [
    'Look around:',
    `  ${report}  the report, for a browser`,
    `  psql '${url}'`,
    `Connection string for BI tools: ${url}`,
    ...(isEmbedded
      ? ['The embedded warehouse stays up; `npx cosell warehouse --stop` ends it.']
      : []),
  ].join('\n')
}
