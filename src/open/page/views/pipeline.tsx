import { countryName } from '../../../report/page/format.ts'
import type { Compared, Figure, PipelineAnswer, TrendAnswer } from '../../answers.ts'
import { Answered, Notes } from '../parts/answered.tsx'
import { Columns, StackedColumns } from '../parts/columns.tsx'
import { Pair, Since, Tiles } from '../parts/figure.tsx'
import { ComparedGroups, CountLink, WorthTile } from '../parts/groups.tsx'
import { useAnswer } from '../state/ask.ts'
import { changeOf } from '../state/money.ts'
import { useShown } from '../state/shown.ts'
import { Waterfall } from './waterfall.tsx'

/** Open pipeline on a day against another, how it moved between them, and what it is made of. */
export function PipelineView({ query }: { readonly query: string }) {
  const asked = useAnswer<PipelineAnswer>('pipeline', query)
  return <Answered asked={asked}>{(answer) => <Pipeline answer={answer} query={query} />}</Answered>
}

function Pipeline({ answer, query }: { readonly answer: PipelineAnswer; readonly query: string }) {
  const { stages, close_quarters: quarters, areas, countries, choice } = answer
  const many = 'deals'
  const amount = 'Value'
  const labels = stages.map(({ label }) => label)
  return (
    <>
      <Notes notes={answer.notes} />
      <Headline answer={answer} />
      <Waterfall answer={answer} />
      <ComparedGroups
        {...{ many, amount, groups: stages, colours: labels, head: 'Stage' }}
        title="Open pipeline by stage"
        note={`As of ${choice.as_of}, and on ${choice.compare}.`}
      />
      <Trend query={query} labels={labels} />
      <Columns
        {...{ many, amount, head: 'Fiscal quarter' }}
        title="Open pipeline by fiscal quarter of the expected close"
        groups={quarters.map(({ now }) => now)}
      />
      <Pair>
        <ComparedGroups
          {...{ many, amount, groups: areas, head: 'Solution area' }}
          title="Open pipeline by solution area"
        />
        <ComparedGroups
          {...{ many, amount, groups: countries.map(inWords), head: 'Country' }}
          title="Open pipeline by country of the customer"
        />
      </Pair>
    </>
  )
}

const inWords = (one: Compared): Compared => ({ ...one, label: countryName(one.label) })

function Headline({ answer }: { readonly answer: PipelineAnswer }) {
  const { money } = useShown()
  const { open, overdue, movements, choice } = answer
  const change = changeOf(money, open.now.amounts, open.before.amounts)
  const overdueBefore = {
    ...overdue.before,
    label: `past the expected close, on ${choice.compare}`,
  }
  const { as_of: day, compare } = choice
  // Ends of the waterfall: what was created and decided between the two days is in none of them.
  const moved = Object.entries({
    created: ['New and still open', `created after ${compare}, open on ${day}`],
    won: ['Left as won', `open on ${compare}, won by ${day}`],
    lost: ['Left as lost', `open on ${compare}, lost by ${day}`],
  }).flatMap(([kind, [name = '', note]]) => {
    const found = movements.find((one) => one.kind === kind)
    return found === undefined ? [] : [{ kind, name, note, figure: found.figure }]
  })
  return (
    <Tiles>
      <WorthTile name="Open pipeline" figure={open.now} many="deals">
        {change !== '' && <Since change={change} day={choice.compare} />}
      </WorthTile>
      <WorthTile name="Past the expected close" figure={overdue.now} many="deals">
        <span class="each">
          was <CountLink figure={overdueBefore} many="deals" />
        </span>
      </WorthTile>
      {moved.map(({ kind, name, note, figure }) => (
        <WorthTile key={kind} name={name} figure={unsigned(figure)} many="deals">
          <span class="each">{note}</span>
        </WorthTile>
      ))}
    </Tiles>
  )
}

/** What left the pipeline is below zero in a movement; here it is an amount of its own. */
function unsigned(figure: Figure): Figure {
  const plain = <Of extends { amount: string }>(one: Of): Of => ({
    ...one,
    amount: one.amount.replace(/^-/, ''),
  })
  const { converted, unconverted, by_currency } = figure.amounts
  return {
    ...figure,
    amounts: {
      converted: converted?.replace(/^-/, '') ?? null,
      unconverted: unconverted.map(plain),
      by_currency: by_currency.map(plain),
    },
  }
}

/** The open pipeline at month ends, which takes longer and comes when the rest is there. */
function Trend(props: { readonly query: string; readonly labels: readonly string[] }) {
  const asked = useAnswer<TrendAnswer>('trend', props.query)
  return (
    <Answered asked={asked}>
      {({ month_ends: ends, notes }) => {
        const stages = new Set(ends.flatMap(({ stages }) => stages.map(({ label }) => label)))
        // A stage keeps the colour that it has in the table of stages.
        const labels = [...new Set([...props.labels, ...stages])]
        return (
          <StackedColumns
            title="Open pipeline at month ends"
            note={notes.join(' ')}
            head="Month end"
            many="deals"
            amount="Value"
            columns={ends.map(({ day, stages }) => ({ label: day, groups: stages }))}
            tick={(day) => day.slice(0, 7)}
            labels={labels}
          />
        )
      }}
    </Answered>
  )
}
