import { counted } from '../../../report/page/format.ts'
import type { Figure } from '../../answers.ts'
import { amountHead, brief, sizeOf, unconvertedNote } from '../state/money.ts'
import { useShown } from '../state/shown.ts'
import { Amount } from './amounts.tsx'
import { Bars } from './chart.tsx'
import { Behind, Figured, Legend, type TableRow } from './figure.tsx'
import { CountLink } from './groups.tsx'
import { goToRows, RowsLink } from './link.tsx'
import { capital, oneOf, type Words } from './words.ts'

/** Chart of groups in their order, with the table of their numbers beside it. */
export function Columns(props: Words & { readonly groups: readonly Figure[] }) {
  const { money, place } = useShown()
  const { title, note, head, many, amount } = props
  const groups = props.groups.map((one) => ({ ...one, label: one.label || 'Without a date' }))
  const rows = groups.map(
    (group): TableRow => ({
      key: group.label,
      name: <bdi>{group.label}</bdi>,
      cells: [
        <CountLink figure={group} many={many} key="count" />,
        <Amount amounts={group.amounts} key="amount" />,
      ],
    }),
  )
  const what = money.kind === 'each' ? `Columns show numbers of ${many}.` : null
  const notes = [note, what, unconvertedNote(money, groups)]
  return (
    <Figured title={title} note={notes.filter(Boolean).join(' ')}>
      {groups.length > 0 && (
        <Bars
          name={`${title}. The table has the numbers.`}
          labels={groups.map(({ label }) => label)}
          series={[{ name: title, colour: 0, bars: groups.map((group) => sizeOf(money, group)) }]}
          describe={(column) => {
            const group = groups[column]
            if (group === undefined) return []
            return [group.label, brief(money, group, many), counted(group.count, oneOf(many), many)]
          }}
          onPick={(column) => goToRows(place, groups[column])}
        />
      )}
      <Behind heads={[head, capital(many), amountHead(money, amount)]} rows={rows} />
    </Figured>
  )
}

/** Groups that are parts of columns: one layer a label, in the order of `labels`. */
export function StackedColumns(
  props: Words & {
    readonly columns: readonly { readonly label: string; readonly groups: readonly Figure[] }[]
    readonly labels: readonly string[]
    /** Text below a column. */
    readonly tick: (label: string) => string
  },
) {
  const { money, place } = useShown()
  const { title, note, head, many, columns, labels, tick } = props
  const at = (column: number, layer: number) =>
    columns[column]?.groups.find(({ label }) => label === labels[layer])
  const series = labels.map((name, layer) => ({
    name,
    colour: Math.min(layer, 5),
    bars: columns.map((_, column) => {
      const group = at(column, layer)
      return group === undefined ? null : sizeOf(money, group)
    }),
  }))
  const rows = columns.map(
    ({ label }, column): TableRow => ({
      key: label,
      name: label,
      cells: labels.map((_, layer) => {
        const group = at(column, layer)
        if (group === undefined) return '–'
        return (
          <>
            <Amount amounts={group.amounts} />
            <small>
              <RowsLink
                drill={group.drill}
                count={group.count}
                label={`${counted(group.count, oneOf(many), many)}: ${group.label}, ${label}`}
              >
                {counted(group.count, oneOf(many), many)}
              </RowsLink>
            </small>
          </>
        )
      }),
    }),
  )
  const what = money.kind === 'each' ? `Columns show numbers of ${many}.` : null
  return (
    <Figured title={title} note={[note, what].filter(Boolean).join(' ')}>
      <Legend names={series.map(({ name, colour }) => [name, colour])} />
      <Bars
        name={`${title}. The table has the numbers.`}
        labels={columns.map(({ label }) => tick(label))}
        series={series}
        describe={(column, layer) => {
          const group = at(column, layer)
          if (group === undefined) return []
          const day = `${columns[column]?.label}, ${group.label}`
          return [day, brief(money, group, many), counted(group.count, oneOf(many), many)]
        }}
        onPick={(column, layer) => goToRows(place, at(column, layer))}
      />
      <Behind heads={[head, ...labels]} rows={rows} />
    </Figured>
  )
}
