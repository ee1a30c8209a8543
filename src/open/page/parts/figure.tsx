import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FigureProps {
  readonly title: string
  readonly note?: ComponentChildren
  readonly children: ComponentChildren
}

/** Figure with a caption, which names it. */
export function Figured({ title, note, children }: FigureProps) {
  const id = useId()
  return (
    <figure aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
        {note && <span>{note}</span>}
      </figcaption>
      {children}
    </figure>
  )
}

/** Two figures side by side where there is room. */
export function Pair({ children }: { readonly children: ComponentChildren }) {
  return <div class="pair">{children}</div>
}

/** Headline figures. */
export function Tiles({ children }: { readonly children: ComponentChildren }) {
  return <dl class="tiles">{children}</dl>
}

export function Tile(props: {
  readonly name: string
  readonly value: ComponentChildren
  readonly children?: ComponentChildren
}) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd class="value">{props.value}</dd>
      <dd class="note">{props.children}</dd>
    </div>
  )
}

/** Change since a day, below a headline figure. */
export function Since({ change, day }: { readonly change: string; readonly day: string }) {
  return (
    <span class="each">
      <span class="number">{change}</span> since <span class="number">{day}</span>
    </span>
  )
}

/** Names of the series of a chart with their colours. */
export function Legend({ names }: { readonly names: readonly (readonly [string, number])[] }) {
  return (
    <ul class="legend">
      {names.map(([name, colour]) => (
        <li key={name}>
          <svg aria-hidden="true" width="10" height="10">
            <rect class={`s${colour}`} width="10" height="10" />
          </svg>
          <bdi>{name}</bdi>
        </li>
      ))}
    </ul>
  )
}

/** Bar of a table row, in proportion to the largest. The row has the number. */
export function Bar(props: {
  readonly size: number
  readonly largest: number
  readonly colour: number
}) {
  const share = props.largest > 0 ? Math.max(0, props.size / props.largest) : 0
  return (
    <svg class="bar" aria-hidden="true" width="100%" height="6">
      <rect class={`s${props.colour}`} width={`${share * 100}%`} height="6" rx="1" />
    </svg>
  )
}

/** Rows of a table below its chart that are shown without being asked for. */
const openRowsMax = 12

/** Table of the numbers of a chart; a long one is opened on demand. */
export function Behind(props: Parameters<typeof Table>[0]) {
  if (props.rows.length <= openRowsMax) return <Table {...props} />
  return (
    <details>
      <summary>Numbers behind the chart</summary>
      <Table {...props} />
    </details>
  )
}

export interface TableRow {
  readonly key: string
  /** Names the row. */
  readonly name: ComponentChildren
  readonly cells: readonly ComponentChildren[]
}

/** Table; on a narrow screen the name of each row is on a line of its own. */
export function Table(props: {
  readonly label?: string
  readonly heads: readonly string[]
  readonly rows: readonly TableRow[]
  /** Whether its cells are texts, which begin at the left. */
  readonly isText?: boolean
}) {
  const { label, heads, rows, isText = false } = props
  if (rows.length === 0) return <p class="quiet">None.</p>
  return (
    <div class="scroll">
      <table
        aria-label={label}
        class={isText ? 'texts' : undefined}
        style={{ '--columns': Math.max(1, heads.length - 1) }}
      >
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{rows.map(Row)}</tbody>
      </table>
    </div>
  )
}

function Row({ key, name, cells }: TableRow) {
  return (
    <tr key={key}>
      <th scope="row">{name}</th>
      {cells.map((cell, index) => (
        <td key={index}>{cell}</td>
      ))}
    </tr>
  )
}
