import { counted, short } from '../../../report/page/format.ts'
import type { Movement, PipelineAnswer } from '../../answers.ts'
import { Amount } from '../parts/amounts.tsx'
import { Bars } from '../parts/chart.tsx'
import { Figured, Table, type TableRow } from '../parts/figure.tsx'
import { CountLink } from '../parts/groups.tsx'
import { goToRows } from '../parts/link.tsx'
import { amountHead, brief, type Money, sizeOf, unconvertedNote } from '../state/money.ts'
import { useShown } from '../state/shown.ts'
import { waterfall } from '../state/waterfall.ts'

/** From the value on one day to that on the other, and everything that moved it. */
export function Waterfall({ answer: { movements, choice } }: { readonly answer: PipelineAnswer }) {
  const { money, place } = useShown()
  const title = 'Movement of the open pipeline'
  const between = `From ${choice.compare} to ${choice.as_of}. Deals that came and went between the two days are in no step.`
  const added = movements.filter((one) => one.is_added && (one.figure.count > 0 || !isInner(one)))
  const others = movements.filter((one) => !one.is_added)
  const row = ({ kind, label, figure }: Movement): TableRow => ({
    key: kind,
    name: label,
    cells: [
      <CountLink figure={figure} many="deals" key="count" />,
      <Amount amounts={figure.amounts} key="amount" />,
    ],
  })
  const heads = ['Movement', 'Deals', amountHead(money, 'Value')]
  const drawn = money.kind === 'each' ? added.filter(movesDeals) : added
  const note =
    money.kind === 'each'
      ? 'Columns show numbers of deals; choose a currency to see amounts.'
      : unconvertedNote(
          money,
          added.map(({ figure }) => figure),
        )
  const { bars, floor } = waterfall(
    drawn.map((one) => ({ size: effectOf(money, one), isEnd: isEnd(one) })),
  )
  const isLess = (index: number) => (bars[index]?.[1] ?? 0) < (bars[index]?.[0] ?? 0)
  const only = (isOne: (one: Movement, index: number) => boolean) =>
    bars.map((bar, index) => {
      const one = drawn[index]
      return one !== undefined && bar[0] !== bar[1] && isOne(one, index) ? bar : null
    })
  const cut = floor === 0 ? null : `Columns begin at ${short(String(floor))}, not at zero.`
  return (
    <Figured title={title} note={[between, note, cut].filter(Boolean).join(' ')}>
      <div class="pair">
        <Bars
          name={`${title}. The table has the numbers.`}
          isTall
          labels={drawn.map(({ label }) => label)}
          floor={floor}
          series={[
            { name: 'Value', colour: 0, bars: only(isEnd) },
            { name: 'More', colour: 1, bars: only((one, at) => !isEnd(one) && !isLess(at)) },
            { name: 'Less', colour: 3, bars: only((one, at) => !isEnd(one) && isLess(at)) },
          ]}
          describe={(column) => {
            const one = drawn[column]
            if (one === undefined) return []
            return [one.label, brief(money, one.figure, 'deals'), counted(one.figure.count, 'deal')]
          }}
          onPick={(column) => goToRows(place, drawn[column]?.figure)}
        />
        <div>
          <Table label={title} heads={heads} rows={added.map(row)} />
          {others.length > 0 && (
            <>
              <p class="quiet">Without effect on the sum:</p>
              <Table label="Moved without effect on the sum" heads={heads} rows={others.map(row)} />
            </>
          )}
        </div>
      </div>
    </Figured>
  )
}

/** Movements that take deals out of the pipeline, or out of what was chosen. */
const outward = ['moved_out', 'won', 'lost', 'dropped', 'missing']

/** A deal that grew or shrank is one deal as before. */
const movesDeals = ({ kind }: Movement) => kind !== 'grew' && kind !== 'shrank'

/** What a movement does to the amount, or to the number of deals where no amount is drawn. */
function effectOf(money: Money, { kind, figure }: Movement): number {
  const size = sizeOf(money, figure)
  return money.kind === 'each' && outward.includes(kind) ? -size : size
}

/** Moves from one group to another, of which there are none unless a group was chosen. */
const isInner = ({ kind }: Movement) => kind === 'moved_in' || kind === 'moved_out'

const isEnd = ({ kind }: Movement) => kind === 'opening' || kind === 'closing'
