import type { RunSummary } from '../../pipeline/run-summary.ts'
import type { AcvOfYear, ConvertedAcv } from '../../report/queries/acv.ts'
import type { TableRows } from '../../report/queries/status.ts'
import { plain, type Style } from '../../terminal/terminal-text.ts'
import type { BiConnection } from '../../warehouse/bi-connection.ts'
import { invocation } from '../invocation.ts'
import { renderBiConnection } from './bi-connection.ts'
import { formatCount, renderFoldedGrid, renderGrid } from './grid.ts'
import { renderRun } from './run-summary.ts'

/** Everything that the demo shows after its run. */
export interface DemoResult {
  readonly summary: RunSummary
  readonly tables: readonly TableRows[]
  readonly acv: DemoAcv
  /** Path of the HTML report. */
  readonly report: string
  /** Last day of the invented business, as YYYY-MM-DD. */
  readonly day: string
  /** Arguments of a demo with some more changes. */
  readonly nextNight: string
  /** Arguments that write the files of the demo; left out where it read none. */
  readonly writeFiles?: string | undefined
  readonly bi: BiConnection
}

/** Contract ACV in the reporting currency, and as the contracts have it. */
export interface DemoAcv {
  readonly reportingCurrency: string
  readonly converted: readonly ConvertedAcv[]
  readonly signed: readonly AcvOfYear[]
}

export function renderDemo(
  { summary, tables, acv, ...places }: DemoResult,
  style: Style = plain,
): string {
  return [
    renderRun(summary),
    renderTables(tables, style),
    renderConvertedAcv(acv, style),
    renderAcv(acv.signed, style),
    nextSteps(places),
  ].join('\n\n')
}

export function renderTables(tables: readonly TableRows[], style: Style = plain): string {
  return renderGrid(
    ['Table', 'Rows'],
    tables.map(({ table, rows }) => [table, formatCount(rows)]),
    style,
  )
}

/** Renders contract ACV in whole units of the reporting currency, a line a fiscal year. */
export function renderConvertedAcv(
  { reportingCurrency, converted }: Pick<DemoAcv, 'reportingCurrency' | 'converted'>,
  style: Style = plain,
): string {
  const rows = converted.map((year) => [
    year.fiscal_year_label,
    amountOf(year.contract_acv_reporting_amount),
    formatCount(year.registration_count),
  ])
  const grid = renderGrid(
    [`Contract ACV in ${reportingCurrency}`, 'Amount', 'Contracts'],
    rows,
    style,
  )
  const unconverted = converted.reduce((sum, year) => sum + year.unconverted_count, 0)
  if (unconverted === 0) return grid
  return `${grid}\nAmounts lack ${formatCount(unconverted)} of these contracts: no rate is known.`
}

/**
 * Renders contract ACV in whole units, a line a currency and a column a fiscal year; currencies are
 * not summed.
 */
export function renderAcv(acv: readonly AcvOfYear[], style: Style = plain): string {
  const currencies = [...new Set(acv.map((row) => row.currency_code))].sort()
  const years = [...new Set(acv.map((row) => row.fiscal_year_label))].sort()
  const amountIn = (year: string, currency: string) => {
    const found = acv.find(
      (row) => row.fiscal_year_label === year && row.currency_code === currency,
    )
    return amountOf(found?.contract_acv_amount ?? null)
  }
  return renderFoldedGrid(
    ['As signed', ...years],
    currencies.map((currency) => [currency, ...years.map((year) => amountIn(year, currency))]),
    style,
  )
}

/** Cuts an amount at its decimal point, without rounding, and separates its thousands. */
function amountOf(amount: string | null): string {
  return amount === null ? '-' : BigInt(amount.split('.')[0] ?? '0').toLocaleString('en-US')
}

function nextSteps({
  report,
  day,
  bi,
  nextNight,
  writeFiles,
}: Pick<DemoResult, 'report' | 'day' | 'bi' | 'nextNight' | 'writeFiles'>): string {
  return [
    'Look around:',
    `  ${report}`,
    '    the report, for a browser',
    ...[
      [`open "?as_of=${day}"`, 'the page to filter it and go back in time, in your browser'],
      ['status', 'what the warehouse holds, and how fresh it is'],
      ['findings', 'what is doubtful in the data, and what to do about it'],
      ['sql', 'lists the marts; with a query in quotes, answers it'],
      ['docs', 'writes the data dictionary, for a browser'],
      [
        nextNight,
        `the next ${writeFiles === undefined ? 'night' : 'files'}, in which 25 referrals changed`,
      ],
      ...(writeFiles === undefined
        ? []
        : [[writeFiles, 'writes these files, and what a German Excel makes of them']]),
    ].flatMap(([args = '', does]) => [`  ${invocation(args)}`, `    ${does}`]),
    renderBiConnection(bi),
    ...(bi.login !== undefined
      ? ['The embedded warehouse stays up. This ends it:', `  ${invocation('warehouse --stop')}`]
      : []),
  ].join('\n')
}
