import type { ComponentChildren, Ref } from 'preact'
import { exact, minute } from '../../../report/page/format.ts'
import type { Cell, CellKind, Choices, Column, ListRow, Part } from '../../answers.ts'
import { minorUnitOf } from '../state/money.ts'
import { useShown } from '../state/shown.ts'
import { Go } from './link.tsx'

const dash = '–'

/** Text of a value as people read it. Amounts keep all their digits. */
export function cellText(value: Cell, kind: CellKind, minorUnit: number): string {
  if (value === null || value === '') return dash
  if (kind === 'flag') return value === true ? 'yes' : 'no'
  if (kind === 'amount') return exact(String(value), minorUnit)
  if (kind === 'number') return exact(String(value), 0)
  if (kind === 'instant') return minute(String(value))
  return String(value)
}

/** Decimals of the amounts of a column in one row, by the currency that stands in the row. */
function minorUnitIn(
  choices: Choices,
  columns: readonly Column[],
  { currency }: Column,
  cells: readonly Cell[],
): number {
  if (currency === undefined) return choices.reporting_minor_unit
  const code = cells[columns.findIndex(({ name }) => name === currency)]
  return typeof code === 'string' ? minorUnitOf(choices, code) : 2
}

const isRight = ({ kind }: Column) => kind === 'amount' || kind === 'number'

/** Position of the column that names a row and leads to its referral. */
function nameColumn(columns: readonly Column[]): number {
  const found = ['referral_name', 'referral_id'].map((wanted) =>
    columns.findIndex(({ name }) => name === wanted),
  )
  return found.find((index) => index >= 0) ?? 0
}

/** One row of a list; the cell that names it leads to the referral. */
export function Cells(props: { readonly columns: readonly Column[]; readonly row: ListRow }) {
  const { columns, row } = props
  const { place, choices } = useShown()
  const named = nameColumn(columns)
  return (
    <tr>
      {columns.map((column, index) => {
        const minorUnit = minorUnitIn(choices, columns, column, row.cells)
        const value = cellText(row.cells[index] ?? null, column.kind, minorUnit)
        const text = index === named && value === dash ? '(no name)' : value
        const shown = column.kind === 'text' ? <bdi class="cell">{text}</bdi> : text
        if (index !== named) {
          return (
            <td key={column.name} class={isRight(column) ? 'right' : undefined}>
              {shown}
            </td>
          )
        }
        return (
          <th scope="row" key={column.name} class={isRight(column) ? 'right' : undefined}>
            {row.referral === null ? (
              shown
            ) : (
              <Go to={{ ...place, referral: row.referral }}>{shown}</Go>
            )}
          </th>
        )
      })}
    </tr>
  )
}

/** Rows that belong to something, all of them, in the order of the server. */
export function PartTable(props: { readonly label: string; readonly part: Part }) {
  const { columns, rows } = props.part
  if (rows.length === 0) return <p class="quiet">None.</p>
  return (
    <Wide label={props.label}>
      <table class="list">
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column.name} class={isRight(column) ? 'right' : undefined}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Cells key={index} columns={columns} row={row} />
          ))}
        </tbody>
      </table>
    </Wide>
  )
}

/** Frame in which a wide table scrolls, by keyboard too. */
export function Wide(props: {
  readonly label: string
  readonly frame?: Ref<HTMLElement>
  readonly children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section ref={props.frame ?? null} class="rows" aria-label={props.label} tabIndex={0}>
      {props.children}
    </section>
  )
}
