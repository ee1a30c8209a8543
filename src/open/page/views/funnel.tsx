import { counted, days, percent, whole } from '../../../report/page/format.ts'
import type { FunnelAnswer } from '../../answers.ts'
import { Answered, Notes } from '../parts/answered.tsx'
import { Bars } from '../parts/chart.tsx'
import { Bar, Behind, Figured, Legend, Table, type TableRow } from '../parts/figure.tsx'
import { CountLink, Groups } from '../parts/groups.tsx'
import { goToRows, RowsLink } from '../parts/link.tsx'
import { useAnswer } from '../state/ask.ts'
import { useShown } from '../state/shown.ts'

/** How far the referrals created in the periods came, and how fast. */
export function FunnelView({ query }: { readonly query: string }) {
  const asked = useAnswer<FunnelAnswer>('funnel', query)
  return (
    <Answered asked={asked}>
      {(answer) => (
        <>
          <Notes notes={answer.notes} />
          <Steps answer={answer} />
          <Groups
            title="What became of the others"
            head="State"
            many="referrals"
            amount="Value"
            groups={answer.others}
          />
          <Cohorts answer={answer} />
        </>
      )}
    </Answered>
  )
}

function Steps({ answer: { steps } }: { readonly answer: FunnelAnswer }) {
  const [created] = steps
  const rows = steps.map((step, index): TableRow => {
    const before = index === 0 ? null : (steps[index - 1]?.count ?? 0)
    return {
      key: step.label,
      name: (
        <>
          {step.label}
          <Bar size={step.count} largest={created?.count ?? 0} colour={0} />
        </>
      ),
      cells: [
        <CountLink figure={step} many="referrals" key="count" />,
        percent(step.count, created?.count ?? 0),
        before === null ? '' : percent(step.count, before),
        index === 0 ? '' : days(step.median_days),
      ],
    }
  })
  const heads = ['Step', 'Referrals', 'Of created', 'Of step before', 'Median days']
  return (
    <Figured title="Funnel" note="Referrals by the steps they reached; days count from creation.">
      <Table heads={heads} rows={rows} />
    </Figured>
  )
}

/** Share of each quarter's referrals that reached each step. */
function Cohorts({ answer: { cohorts, steps } }: { readonly answer: FunnelAnswer }) {
  const { place } = useShown()
  const labels = steps.map(({ label }) => label)
  const title = 'Steps reached by fiscal quarter of creation'
  const at = (column: number, layer: number) =>
    cohorts[column]?.steps.find(({ label }) => label === labels[layer])
  const series = labels.map((name, layer) => ({
    name,
    colour: Math.min(layer, 5),
    bars: cohorts.map((_, column) => at(column, layer)?.count ?? null),
  }))
  const rows = cohorts.map(
    ({ label, steps: reached }): TableRow => ({
      key: label,
      name: label,
      cells: labels.map((name) => {
        const step = reached.find((one) => one.label === name)
        if (step === undefined) return '–'
        const { count, drill } = step
        const share = percent(count, reached[0]?.count ?? 0)
        return (
          <>
            <RowsLink
              drill={drill}
              count={count}
              label={`${counted(count, 'referral')}: ${name}, created in ${label}`}
            >
              {whole(count)}
            </RowsLink>
            {name !== labels[0] && <small>{share}</small>}
          </>
        )
      }),
    }),
  )
  return (
    <Figured title={title}>
      <Legend names={series.map(({ name, colour }) => [name, colour])} />
      <Bars
        name={`${title}. The table has the numbers.`}
        isStacked={false}
        labels={cohorts.map(({ label }) => label)}
        series={series}
        describe={(column, layer) => [
          `${cohorts[column]?.label}, ${labels[layer]}`,
          counted(at(column, layer)?.count ?? 0, 'referral'),
        ]}
        onPick={(column, layer) => goToRows(place, at(column, layer))}
      />
      <Behind heads={['Fiscal quarter', ...labels]} rows={rows} />
    </Figured>
  )
}
