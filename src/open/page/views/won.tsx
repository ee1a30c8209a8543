import { counted, percent, whole } from '../../../report/page/format.ts'
import type { WonAnswer } from '../../answers.ts'
import { Answered, Notes } from '../parts/answered.tsx'
import { Columns } from '../parts/columns.tsx'
import { Pair, Since, Tile, Tiles } from '../parts/figure.tsx'
import { Groups, WorthTile } from '../parts/groups.tsx'
import { RowsLink } from '../parts/link.tsx'
import { useAnswer } from '../state/ask.ts'
import { changeOf } from '../state/money.ts'
import { useShown } from '../state/shown.ts'

/** Deals won, and the annual contract value that was signed, is in force and is to come. */
export function WonView({ query }: { readonly query: string }) {
  const asked = useAnswer<WonAnswer>('won', query)
  return (
    <Answered asked={asked}>
      {(answer) => (
        <>
          <Notes notes={answer.notes} />
          <Headline answer={answer} />
          <Pair>
            <Columns
              title="Won value by fiscal quarter of closing"
              head="Fiscal quarter"
              many="deals"
              amount="Value"
              groups={answer.won_by_quarter}
            />
            <Columns
              title="Contract ACV by fiscal quarter of signing"
              head="Fiscal quarter"
              many="contracts"
              amount="ACV"
              groups={answer.booked_by_quarter}
            />
          </Pair>
          <Columns
            title="ACV schedule by fiscal year"
            note="Value of each contract year, in the fiscal year in which it starts."
            head="Fiscal year"
            many="contract years"
            amount="Amount"
            groups={answer.schedule}
          />
          <Groups
            title="Contract ACV by solution"
            head="Solution"
            many="lines"
            amount="ACV"
            groups={answer.solutions}
          />
        </>
      )}
    </Answered>
  )
}

function Headline({ answer }: { readonly answer: WonAnswer }) {
  const { money } = useShown()
  const { won, lost, booked, in_force: inForce, choice } = answer
  const change = changeOf(money, inForce.now.amounts, inForce.before.amounts)
  return (
    <Tiles>
      <WorthTile name="Won" figure={won} many="deals" />
      <Tile name="Win rate" value={percent(won.count, won.count + lost.count)}>
        <RowsLink drill={won.drill} count={won.count} label={counted(won.count, 'won deal')}>
          {whole(won.count)} won
        </RowsLink>
        ,{' '}
        <RowsLink drill={lost.drill} count={lost.count} label={counted(lost.count, 'lost deal')}>
          {whole(lost.count)} lost
        </RowsLink>
      </Tile>
      <WorthTile name="Contract ACV booked" figure={booked} many="contracts" />
      <WorthTile name="Contract ACV in force" figure={inForce.now} many="contracts">
        {change !== '' && <Since change={change} day={choice.compare} />}
      </WorthTile>
    </Tiles>
  )
}
