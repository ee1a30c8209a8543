import { html, type Markup } from '../../report/html.ts'
import {
  type Dictionary,
  dimensionsOf,
  factsOf,
  keyWithinAccount,
  type Relationship,
  type TableEntry,
  withoutSchema,
} from '../dictionary.ts'

const width = 1080
const box = { fact: 320, dimension: 200, line: 17, head: 30, gap: 16, foot: 10 } as const
/** Dimension of every fact: lines to it would hide all others. */
const account = 'dw.dim_partner_account'
/** Dimensions drawn on the left, from the top; the others are on the right. */
const leftSide = ['dw.dim_referral', 'dw.dim_customer', 'dw.dim_status']

interface Box {
  readonly table: TableEntry
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly lines: readonly string[]
}

/** Draws the star: facts and bridges in the middle, dimensions at the sides, lines between them. */
export function starDrawing(dictionary: Dictionary): Markup {
  const relationships = dictionary.relationships.filter(({ to }) => to !== account)
  const facts = column(
    factsOf(dictionary)
      .filter(({ name }) => name !== 'dw.fx_rate')
      .map((table) => ({ table, lines: grainLines(table) })),
    (width - box.fact) / 2,
    box.fact,
  )
  const height = Math.max(...facts.map((fact) => fact.y + fact.height)) + box.gap
  const dimensions = dimensionsOf(dictionary)
    .filter(({ name }) => name !== account)
    .map((table) => ({ table, lines: keyWithinAccount(table) }))
  const isLeft = ({ table }: { table: TableEntry }) => leftSide.includes(table.name)
  const left = spreadOut(column(dimensions.filter(isLeft), 0, box.dimension), height)
  const right = spreadOut(
    column(
      dimensions.filter((dimension) => !isLeft(dimension)),
      width - box.dimension,
      box.dimension,
    ),
    height,
  )
  const ends = [...left, ...right]
  return html`<svg class="star" viewBox="0 0 ${width} ${height}" role="img"
    aria-labelledby="star-title"><title id="star-title">Facts and bridges in the middle, each joined by lines to the dimensions that it has</title>
    ${ends.map((end, index) => linesTo(end, index, facts, ends, relationships))}
    ${ends.map((end, index) => drawn(end, `dimension hue${index}`))}
    ${facts.map((fact) => drawn(fact, 'fact'))}</svg>`
}

/** Returns the key as text, such as "per referral × version". */
function grainLines({ key }: TableEntry): readonly string[] {
  const words = key
    .filter((name) => name !== 'partner_account_key')
    .map((name) => name.replace(/_(?:key|no)$/, '').replaceAll('_', ' '))
  return [`per ${words.join(' × ')}`]
}

function column(
  tables: readonly { table: TableEntry; lines: readonly string[] }[],
  x: number,
  boxWidth: number,
): Box[] {
  let y: number = box.gap
  return tables.map(({ table, lines }) => {
    const height = box.head + lines.length * box.line + box.foot
    const placed = { table, lines, x, y, width: boxWidth, height }
    y += height + box.gap
    return placed
  })
}

/** Spreads boxes evenly over the whole height. */
function spreadOut(boxes: readonly Box[], height: number): Box[] {
  const free = height - boxes.reduce((sum, one) => sum + one.height, 0)
  const gap = free / (boxes.length + 1)
  let y = gap
  return boxes.map((one) => {
    const placed = { ...one, y: Math.round(y) }
    y += one.height + gap
    return placed
  })
}

/** Draws the lines to one dimension, ordered by facts at both ends, so that few of them cross. */
function linesTo(
  end: Box,
  hue: number,
  facts: readonly Box[],
  ends: readonly Box[],
  relationships: readonly Relationship[],
): Markup[] {
  const isLeft = end.x === 0
  const reaching = facts.filter(
    (fact) => countRelationships(relationships, fact.table, end.table) > 0,
  )
  return reaching.map((fact, place) => {
    const beside = ends.filter(
      (other) =>
        other.x === end.x && countRelationships(relationships, fact.table, other.table) > 0,
    )
    const from = isLeft ? fact.x : fact.x + fact.width
    const fromY = share(fact, beside.indexOf(end), beside.length)
    const to = isLeft ? end.width : end.x
    const toY = share(end, place, reaching.length)
    const middle = (from + to) / 2
    const path = `M${from} ${fromY}C${middle} ${fromY} ${middle} ${toY} ${to} ${toY}`
    const count = countRelationships(relationships, fact.table, end.table)
    const label = html`<text x="${isLeft ? from - 8 : from + 8}" y="${fromY - 3}"
      text-anchor="${isLeft ? 'end' : 'start'}">${count}</text>`
    return html`<g class="way hue${hue}"><path d="${path}"/>${count > 1 ? label : null}</g>`
  })
}

/** Returns the height of one of several points on the side of a box. */
function share({ y, height }: Box, place: number, of: number): number {
  return Math.round(y + (height * (place + 1)) / (of + 1))
}

function countRelationships(
  relationships: readonly Relationship[],
  from: TableEntry,
  to: TableEntry,
): number {
  return relationships.filter((one) => one.from === from.name && one.to === to.name).length
}

function drawn({ table, x, y, width: boxWidth, height, lines }: Box, kind: string): Markup {
  return html`<a href="#${table.name}" class="${kind}"><rect x="${x + 0.5}" y="${y + 0.5}" width="${boxWidth - 1}" height="${height}" rx="6"/>
    <text class="name" x="${x + 12}" y="${y + 21}">${withoutSchema(table.name)}</text>
    ${lines.map((line, index) => html`<text x="${x + 12}" y="${y + 38 + index * box.line}">${line}</text>`)}</a>`
}
