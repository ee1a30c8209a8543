import { counted, days, whole } from '../../../report/page/format.ts'
import type { RegistrationsAnswer } from '../../answers.ts'
import { Answered, Notes } from '../parts/answered.tsx'
import { Columns } from '../parts/columns.tsx'
import { Figured, Pair, Table, type TableRow } from '../parts/figure.tsx'
import { Groups } from '../parts/groups.tsx'
import { RowsLink } from '../parts/link.tsx'
import { useAnswer } from '../state/ask.ts'

/** Deal registrations and how long they wait; open referrals that expire or are overdue. */
export function RegistrationsView({ query }: { readonly query: string }) {
  const asked = useAnswer<RegistrationsAnswer>('registrations', query)
  return (
    <Answered asked={asked}>
      {(answer) => (
        <>
          <Notes notes={answer.notes} />
          <Groups
            title="Deal registrations by state"
            note="Days from registration to the approval that holds."
            head="State"
            many="registrations"
            amount="Contract ACV"
            groups={answer.statuses}
            more={[
              { head: 'Median days', cell: (one) => days(one.median_lead_days) },
              { head: '90 % within', cell: (one) => days(one.slow_lead_days) },
            ]}
          />
          <Waiting answer={answer} />
          <Pair>
            <Columns
              title="Open referrals that expire"
              head="Days to expiry"
              many="referrals"
              amount="Value"
              groups={answer.expiring}
            />
            <Columns
              title="Open referrals past their day of expiry"
              head="Days overdue"
              many="referrals"
              amount="Value"
              groups={answer.overdue}
            />
          </Pair>
          <Columns
            title="Won deals without a registration"
            head="Days since they were won"
            many="deals"
            amount="Value"
            groups={answer.unregistered}
          />
        </>
      )}
    </Answered>
  )
}

/** Registrations under review, by who is to act and by the days that they wait. */
function Waiting({ answer: { waiting } }: { readonly answer: RegistrationsAnswer }) {
  const ages = [...new Set(waiting.flatMap((one) => one.ages.map(({ label }) => label)))]
  const rows = waiting.map(
    (one): TableRow => ({
      key: one.waits_for,
      name: <bdi>{one.waits_for}</bdi>,
      cells: ages.map((age) => {
        const figure = one.ages.find(({ label }) => label === age)
        if (figure === undefined) return '–'
        return (
          <RowsLink
            key={age}
            drill={figure.drill}
            count={figure.count}
            label={`${counted(figure.count, 'registration')}: ${one.waits_for}, ${age}`}
          >
            {whole(figure.count)}
          </RowsLink>
        )
      }),
    }),
  )
  return (
    <Figured title="Registrations under review by the days that they wait">
      <Table heads={['Waits for', ...ages]} rows={rows} />
    </Figured>
  )
}
