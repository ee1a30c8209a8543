import { html, type Markup } from '../html.ts'
import { bar, type ColumnChart, columnChart } from './chart.ts'

type Cell = Markup | string

export interface Caption {
  /** Unique in the page. */
  readonly id: string
  readonly title: string
  readonly note?: Cell | null
}

export interface TableParts {
  readonly heads: readonly string[]
  /** The first cell of each row names it. */
  readonly rows: readonly (readonly Cell[])[]
  readonly total?: readonly Cell[]
}

export interface BarRow {
  readonly label: Cell
  /** Length of the bar, as decimal text. */
  readonly value: string
  /** Number of the series, where another figure draws the same things; the first unless given. */
  readonly series?: number
  readonly cells: readonly Cell[]
}

/** Figure with a caption; `content` is a chart, a table or both. */
export function figure({ id, title, note }: Caption, content: Markup): Markup {
  return html`<figure aria-labelledby="${id}"><figcaption id="${id}">${title}${
    note ? html` <span>${note}</span>` : ''
  }</figcaption>
${content}</figure>
`
}

/** Table whose rows begin with a bar. */
export function barTable(
  caption: Caption,
  heads: readonly string[],
  rows: readonly BarRow[],
  total?: readonly Cell[],
): Markup {
  if (rows.length === 0) return figure(caption, html`<p class="quiet">None.</p>`)
  const largest = Math.max(...rows.map(({ value }) => Number(value)))
  const filled = rows.map(({ label, value, series = 0, cells }) => [
    html`${label}${bar(value, largest, series)}`,
    ...cells,
  ])
  return figure(caption, table({ heads, rows: filled, ...(total ? { total } : {}) }))
}

/** Column chart with a table of its numbers that can be opened. */
export function columnFigure(
  caption: Caption,
  chart: Pick<ColumnChart, 'description' | 'columns'>,
  legend: readonly string[],
  numbers: TableParts,
): Markup {
  const { id, title } = caption
  const drawn = columnChart({ id: `${id}-chart`, title, ...chart })
  return figure(
    caption,
    html`${legend.length > 1 ? legendOf(legend) : ''}${drawn}
<details><summary>Numbers behind the chart</summary>${table(numbers)}</details>`,
  )
}

function legendOf(names: readonly string[]): Markup {
  const entries = names.map(
    (name, series) =>
      html`<li><svg aria-hidden="true" width="10" height="10"><rect class="s${seriesOf(series)}" width="10" height="10"/></svg>${name}</li>`,
  )
  return html`<ul class="legend">${entries}</ul>`
}

/** Returns the colour of a series; there are six, and further series share the last one. */
export function seriesOf(index: number): number {
  return Math.min(index, 5)
}

/** Table; on a narrow screen the first cell of each row is on its own line. */
export function table({ heads, rows, total }: TableParts): Markup {
  const head = heads.map((name) => html`<th scope="col">${name}</th>`)
  return html`<div class="scroll"><table style="--columns:${Math.max(1, heads.length - 1)}"><thead><tr>${head}</tr></thead><tbody>
${rows.map(tableRow)}</tbody>${total ? html`<tfoot>${tableRow(total)}</tfoot>` : ''}</table></div>`
}

function tableRow([name, ...cells]: readonly Cell[]): Markup {
  return html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`
}
