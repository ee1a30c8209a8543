import { html, type Markup } from '../html.ts'
import type { Group, ReportData } from '../report-data.ts'
import { amountCell, amountHead, type Conversion, measure, unconvertedNote } from './amounts.ts'
import type { Column } from './chart.ts'
import { columnFigure, seriesOf } from './figure.ts'
import { counted, short, whole } from './format.ts'

const monthLetters = 'JFMAMJJASOND'

/** Chart of the open pipeline at each month end, stacked by stage; `series` gives their colours. */
export function monthEndChart(
  { month_ends }: ReportData,
  conversion: Conversion,
  series: readonly string[],
): Markup {
  const stages = series.filter((stage) => month_ends.some(({ label }) => label === stage))
  const periods = [...new Set(month_ends.map(({ period }) => period))].sort()
  const at = new Map(month_ends.map((group) => [`${group.period} ${group.label}`, group]))
  const columns = periods.map((period): Column => {
    const parts = stages.flatMap((stage, index) => {
      const group = at.get(`${period} ${stage}`)
      if (group === undefined) return []
      const title = `${period}, ${stage}: ${describeGroup(conversion, group, 'deals')}`
      return [{ series: seriesOf(index), value: measure(conversion, group), title }]
    })
    const letter = monthLetters[Number(period.slice(5, 7)) - 1] ?? ''
    return { tick: letter, group: period.slice(0, 4), parts }
  })
  const rows = periods.map((period) => [
    period,
    ...stages.map((stage) => {
      const group = at.get(`${period} ${stage}`)
      if (group === undefined) return '–'
      return html`${amountCell(conversion, group.amounts)}<small>${counted(group.count, 'deal')}</small>`
    }),
  ])
  return columnFigure(
    {
      id: 'course',
      title: 'Open pipeline at month ends',
      note:
        unconvertedNote(conversion, month_ends) === null
          ? null
          : 'Deals without a rate at that day are left out; the table has them.',
    },
    {
      description: `${unitOf(conversion)} of open deals by stage at ${counted(periods.length, 'month end')}, ${periods[0] ?? ''} to ${periods.at(-1) ?? ''}.`,
      columns,
    },
    stages,
    { heads: ['Month end', ...stages], rows },
  )
}

/**
 * Returns the open stages of then and now: those of month ends first, most deals first, which is the
 * lowest layer. Their place decides their colour in every figure.
 */
export function stageSeries({ month_ends, stages }: ReportData): string[] {
  const counts = new Map<string, number>()
  for (const { label, count } of month_ends) counts.set(label, (counts.get(label) ?? 0) + count)
  const drawn = [...counts].sort(([, one], [, other]) => other - one).map(([label]) => label)
  return [...new Set([...drawn, ...stages.map(({ label }) => label)])]
}

export interface PeriodChart {
  readonly id: string
  readonly title: string
  readonly note?: string | undefined
  /** Plural noun for the items of a group. */
  readonly counted: string
  readonly amount: string
  /** In order of time; the group without a date has an empty label. */
  readonly groups: readonly Group[]
  /** Label around which columns are drawn; the table has all groups. */
  readonly around?: string
}

const drawnBefore = 3
const drawnAfter = 5

/** Chart of amounts by fiscal quarter or year, with a table of all groups. */
export function periodChart(conversion: Conversion, chart: PeriodChart): Markup {
  const { id, title, groups } = chart
  const drawn = near(
    groups.filter(({ label }) => label !== ''),
    chart.around,
  )
  const columns = drawn.map((group): Column => {
    const [year = '', quarter] = group.label.split(' ')
    const name = `${group.label}: ${describeGroup(conversion, group, chart.counted.toLowerCase())}`
    const parts = [{ series: 0, value: measure(conversion, group), title: name }]
    return { tick: quarter ?? year, group: quarter === undefined ? '' : year, parts }
  })
  const [first, last] = [drawn[0]?.label ?? '', drawn.at(-1)?.label ?? '']
  const rows = groups.map((group) => [
    group.label === '' ? 'Without dates' : group.label,
    whole(group.count),
    amountCell(conversion, group.amounts),
  ])
  return columnFigure(
    {
      id,
      title,
      note: html`${chart.note}${countNote(conversion, chart.counted)}${unconvertedNote(conversion, drawn)}`,
    },
    { description: `${unitOf(conversion)} from ${first} to ${last}.`, columns },
    [],
    { heads: ['Fiscal period', chart.counted, amountHead(conversion, chart.amount)], rows },
  )
}

function near(groups: readonly Group[], label: string | undefined): readonly Group[] {
  if (label === undefined) return groups
  const at = groups.findIndex((group) => group.label === label)
  return at < 0 ? groups : groups.slice(Math.max(0, at - drawnBefore), at + drawnAfter + 1)
}

function countNote({ isConverted }: Conversion, many: string): Markup | null {
  return isConverted ? null : html`<span>Columns show numbers of ${many.toLowerCase()}.</span>`
}

function unitOf({ currency, isConverted }: Conversion): string {
  return isConverted ? `Value in ${currency}` : 'Number'
}

function describeGroup(
  { currency, isConverted }: Conversion,
  { amounts, count }: Group,
  many: string,
): string {
  const value = isConverted ? `${currency} ${short(amounts.converted ?? '0')}, ` : ''
  return `${value}${whole(count)} ${many}`
}
