import { html, type Markup } from '../html.ts'
import { short } from './format.ts'

/** One column of a chart. */
export interface Column {
  /** Label below the column. */
  readonly tick: string
  /** Label that neighbouring columns share, such as a year; written once below them. */
  readonly group: string
  /** Stacked parts, the lowest first. */
  readonly parts: readonly ColumnPart[]
}

export interface ColumnPart {
  /** Number of the series, which decides the colour. */
  readonly series: number
  /** Decimal text; not drawn unless above zero. */
  readonly value: string
  /** Tooltip. */
  readonly title: string
}

export interface ColumnChart {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly columns: readonly Column[]
}

const plotHeight = 180
const roomAbove = 14
const roomForTicks = 20
const roomForGroups = 16
const barShare = 0.72
/** Width of a year of four digits; the plot is about 250 pixels wide on the narrowest screen. */
const groupPixels = 30
const narrowestPlot = 250

/**
 * Draws columns as SVG. Horizontal positions are percentages, so the chart fits any width while its
 * text keeps its size.
 */
export function columnChart({ id, title, description, columns }: ColumnChart): Markup {
  const totals = columns.map(({ parts }) => parts.reduce((sum, part) => sum + heightOf(part), 0))
  const ticks = scaleTicks(Math.max(0, ...totals))
  const top = ticks.at(-1) ?? 1
  const slot = 100 / Math.max(columns.length, 1)
  const roomBelow = roomForTicks + (columns.some(({ group }) => group !== '') ? roomForGroups : 0)
  return html`<svg class="columns" role="img" aria-labelledby="${id}-t ${id}-d" width="100%" height="${roomAbove + plotHeight + roomBelow}">
<title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>
${ticks.map((tick) => gridLine(tick, yOf(tick / top)))}
${columns.map((column, index) => drawColumn(column, index * slot, slot, top))}
${groupLabels(columns, slot)}
</svg>`
}

function gridLine(tick: number, y: number): Markup {
  const kind = tick === 0 ? 'ground' : 'grid'
  return html`<line class="${kind}" x1="0" x2="100%" y1="${y}" y2="${y}"/><text class="scale" x="-6" y="${y + 4}">${short(String(tick))}</text>`
}

function drawColumn(column: Column, x: number, slot: number, top: number): Markup {
  const left = percentage(x + (slot * (1 - barShare)) / 2)
  const width = percentage(slot * barShare)
  let ground = 0
  const parts = column.parts.map((part) => {
    const from = yOf(ground / top)
    ground += heightOf(part)
    const y = yOf(ground / top)
    const height = round(from - y)
    if (height <= 0) return null
    return html`<rect class="s${part.series}" x="${left}" width="${width}" y="${y}" height="${height}"><title>${part.title}</title></rect>`
  })
  const middle = percentage(x + slot / 2)
  const under = roomAbove + plotHeight + 14
  return html`${parts}<text class="tick" x="${middle}" y="${under}">${column.tick}</text>`
}

function groupLabels(columns: readonly Column[], slot: number): readonly Markup[] {
  const starts = columns.flatMap(({ group }, index) =>
    group !== '' && group !== columns[index - 1]?.group ? [index] : [],
  )
  const leastColumns = Math.ceil((groupPixels * columns.length) / narrowestPlot)
  return starts
    .filter(
      (start, index) => (starts[index + 1] ?? Number.POSITIVE_INFINITY) - start >= leastColumns,
    )
    .map((start) => {
      const x = percentage(start * slot + (slot * (1 - barShare)) / 2)
      return html`<text class="group" x="${x}" y="${roomAbove + plotHeight + 30}">${columns[start]?.group}</text>`
    })
}

/** Draws the bar of a table row, in proportion to the largest; the row shows the number. */
export function bar(value: string, largest: number, series: number): Markup {
  const share = largest > 0 ? Math.max(0, Number(value) / largest) : 0
  return html`<svg class="bar" aria-hidden="true" width="100%" height="6"><rect class="s${series}" width="${percentage(share * 100)}" height="6" rx="1"/></svg>`
}

/** Height of a part. Only here does an amount become a double: a pixel needs no more digits. */
function heightOf({ value }: Pick<ColumnPart, 'value'>): number {
  return Math.max(0, Number(value))
}

/** Returns four or five round values from zero to the first at or above `largest`. */
export function scaleTicks(largest: number): number[] {
  if (!(largest > 0)) return [0, 1]
  const rough = largest / 4
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude
  const count = Math.ceil(largest / step)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

function yOf(share: number): number {
  return round(roomAbove + plotHeight * (1 - share))
}

function percentage(of: number): string {
  return `${round(of)}%`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
