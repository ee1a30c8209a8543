import { html, type Markup } from '../html.ts'
import type { Group, ReportFigures } from '../report-data.ts'
import { amountCell, amountHead, leftOut, type Money, measure } from './amounts.ts'
import type { Column } from './chart.ts'
import { columnFigure, seriesOf } from './figure.ts'
import { counted, short, whole } from './format.ts'

const monthLetters = 'JFMAMJJASOND'

/** Open pipeline at each month end, in layers by stage. */
export function stageCourse({ month_ends }: ReportFigures, money: Money): Markup {
  const stages = byCount(month_ends)
  const periods = [...new Set(month_ends.map(({ period }) => period))].sort()
  const at = new Map(month_ends.map((group) => [`${group.period} ${group.label}`, group]))
  const columns = periods.map((period): Column => {
    const parts = stages.flatMap((stage, index) => {
      const group = at.get(`${period} ${stage}`)
      if (group === undefined) return []
      const title = `${period}, ${stage}: ${told(money, group, 'deals')}`
      return [{ series: seriesOf(index), value: measure(money, group), title }]
    })
    const letter = monthLetters[Number(period.slice(5, 7)) - 1] ?? ''
    return { tick: letter, group: period.slice(0, 4), parts }
  })
  const rows = periods.map((period) => [
    period,
    ...stages.map((stage) => {
      const group = at.get(`${period} ${stage}`)
      if (group === undefined) return '–'
      return html`${amountCell(money, group.amounts)}<small>${counted(group.count, 'deal')}</small>`
    }),
  ])
  return columnFigure(
    {
      id: 'course',
      title: 'Open pipeline at month ends',
      note:
        leftOut(money, month_ends) === null
          ? null
          : 'Deals without a rate at that day are left out; the table has them.',
    },
    {
      description: `${unitOf(money)} of open deals by stage at ${counted(periods.length, 'month end')}, ${periods[0] ?? ''} to ${periods.at(-1) ?? ''}.`,
      columns,
    },
    stages,
    { heads: ['Month end', ...stages], rows },
  )
}

/** The stages, the one with most deals first: the others stand on it. */
function byCount(groups: readonly Group[]): string[] {
  const counts = new Map<string, number>()
  for (const { label, count } of groups) counts.set(label, (counts.get(label) ?? 0) + count)
  return [...counts].sort(([, one], [, other]) => other - one).map(([label]) => label)
}

export interface PeriodChart {
  readonly id: string
  readonly title: string
  readonly note?: string | undefined
  /** What the items of a group are called, in the plural. */
  readonly counted: string
  readonly amount: string
  /** In the order of time; the label of the one without a time is empty. */
  readonly groups: readonly Group[]
  /** Draws only what is near this label; the table has all. */
  readonly around?: string
}

const drawnBefore = 3
const drawnAfter = 5

/** Amounts by fiscal quarter or year, with the table behind them. */
export function periodChart(money: Money, chart: PeriodChart): Markup {
  const { id, title, groups } = chart
  const drawn = near(
    groups.filter(({ label }) => label !== ''),
    chart.around,
  )
  const columns = drawn.map((group): Column => {
    const [year = '', quarter] = group.label.split(' ')
    const name = `${group.label}: ${told(money, group, chart.counted.toLowerCase())}`
    const parts = [{ series: 0, value: measure(money, group), title: name }]
    return { tick: quarter ?? year, group: quarter === undefined ? '' : year, parts }
  })
  const [first, last] = [drawn[0]?.label ?? '', drawn.at(-1)?.label ?? '']
  const rows = groups.map((group) => [
    group.label === '' ? 'Without dates' : group.label,
    whole(group.count),
    amountCell(money, group.amounts),
  ])
  return columnFigure(
    {
      id,
      title,
      note: html`${chart.note}${numbersOnly(money, chart.counted)}${leftOut(money, drawn)}`,
    },
    { description: `${unitOf(money)} from ${first} to ${last}.`, columns },
    [],
    { heads: ['Fiscal period', chart.counted, amountHead(money, chart.amount)], rows },
  )
}

function near(groups: readonly Group[], label: string | undefined): readonly Group[] {
  if (label === undefined) return groups
  const at = groups.findIndex((group) => group.label === label)
  return at < 0 ? groups : groups.slice(Math.max(0, at - drawnBefore), at + drawnAfter + 1)
}

function numbersOnly({ isConverted }: Money, many: string): Markup | null {
  return isConverted ? null : html`<span>Columns are numbers of ${many.toLowerCase()}.</span>`
}

function unitOf({ currency, isConverted }: Money): string {
  return isConverted ? `Value in ${currency}` : 'Number'
}

function told({ currency, isConverted }: Money, { amounts, count }: Group, many: string): string {
  const value = isConverted ? `${currency} ${short(amounts.converted ?? '0')}, ` : ''
  return `${value}${whole(count)} ${many}`
}
