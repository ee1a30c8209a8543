import type { ComponentChildren } from 'preact'
import { counted, whole } from '../../../report/page/format.ts'
import type { Compared, Figure } from '../../answers.ts'
import { amountHead, brief, changeOf, sizeOf, unconvertedNote } from '../state/money.ts'
import { useShown } from '../state/shown.ts'
import { Amount } from './amounts.tsx'
import { Bar, Figured, Table, type TableRow, Tile } from './figure.tsx'
import { RowsLink } from './link.tsx'
import { capital, oneOf, type Words } from './words.ts'

/** Number of a figure, which leads to its rows. */
export function CountLink({ figure, many }: { readonly figure: Figure; readonly many: string }) {
  const { label, count, drill } = figure
  const name = `${counted(count, oneOf(many), many)}: ${label}`
  return (
    <RowsLink drill={drill} count={count} label={name}>
      {whole(count)}
    </RowsLink>
  )
}

/** Headline figure: its amount in short, which leads to its rows, and all digits below. */
export function WorthTile(props: {
  readonly name: string
  readonly figure: Figure
  readonly many: string
  readonly children?: ComponentChildren
}) {
  const { money } = useShown()
  const { name, figure, many, children } = props
  const value = brief(money, figure, many)
  const count = counted(figure.count, oneOf(many), many)
  return (
    <Tile
      name={name}
      value={
        <RowsLink drill={figure.drill} count={figure.count} label={`${value}: ${name}`}>
          {value}
        </RowsLink>
      }
    >
      {money.kind !== 'each' && `${count} · `}
      <Amount amounts={figure.amounts} />
      {children}
    </Tile>
  )
}

/** Table with bars of groups on a day, each beside the day that is compared with. */
export function ComparedGroups(
  props: Words & { readonly groups: readonly Compared[]; readonly colours?: readonly string[] },
) {
  const { money } = useShown()
  const { title, note, head, many, amount, groups, colours } = props
  const largest = Math.max(0, ...groups.map(({ now }) => sizeOf(money, now)))
  const rows = groups.map(({ label, now, before }): TableRow => {
    const colour = Math.max(0, Math.min(colours?.indexOf(label) ?? 0, 5))
    return {
      key: label,
      name: (
        <>
          <bdi class="name">{label}</bdi>
          <Bar size={sizeOf(money, now)} largest={largest} colour={colour} />
        </>
      ),
      cells: [
        <>
          <CountLink figure={now} many={many} />
          <Was figure={before} many={many} />
        </>,
        <>
          <Amount amounts={now.amounts} />
          <Change now={now} before={before} />
        </>,
      ],
    }
  })
  const missing = unconvertedNote(
    money,
    groups.map(({ now }) => now),
  )
  return (
    <Figured title={title} note={[note, missing].filter(Boolean).join(' ')}>
      <Table heads={[head, capital(many), amountHead(money, amount)]} rows={rows} />
    </Figured>
  )
}

/** Number of the day that is compared with, which leads to its rows too. */
function Was({ figure, many }: { readonly figure: Figure; readonly many: string }) {
  return (
    <small>
      was{' '}
      <CountLink figure={{ ...figure, label: `${figure.label}, on the other day` }} many={many} />
    </small>
  )
}

/** Exact change of an amount since the day that is compared with. */
function Change({ now, before }: { readonly now: Figure; readonly before: Figure }) {
  const { money } = useShown()
  const change = changeOf(money, now.amounts, before.amounts)
  return change === '' ? null : <small class="number">{change}</small>
}

/** Table of groups with bars. `more` are further columns. */
export function Groups<Group extends Figure>(
  props: Words & {
    readonly groups: readonly Group[]
    readonly more?: readonly { readonly head: string; readonly cell: (group: Group) => string }[]
  },
) {
  const { money } = useShown()
  const { title, note, head, many, amount, groups, more = [] } = props
  const largest = Math.max(0, ...groups.map((group) => sizeOf(money, group)))
  const rows = groups.map(
    (group): TableRow => ({
      key: group.label,
      name: (
        <>
          <bdi class="name">{group.label}</bdi>
          <Bar size={sizeOf(money, group)} largest={largest} colour={0} />
        </>
      ),
      cells: [
        <CountLink figure={group} many={many} key="count" />,
        <Amount amounts={group.amounts} key="amount" />,
        ...more.map(({ cell }) => cell(group)),
      ],
    }),
  )
  const heads = [head, capital(many), amountHead(money, amount), ...more.map((one) => one.head)]
  return (
    <Figured title={title} note={[note, unconvertedNote(money, groups)].filter(Boolean).join(' ')}>
      <Table heads={heads} rows={rows} />
    </Figured>
  )
}
