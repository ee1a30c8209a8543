import { counted, decimal, minute, whole } from '../../../report/page/format.ts'
import type { QualityAnswer } from '../../answers.ts'
import { Answered, Notes } from '../parts/answered.tsx'
import { Bar, Figured, Table, type TableRow } from '../parts/figure.tsx'
import { Go, placeOfRows, RowsLink } from '../parts/link.tsx'
import { useAnswer } from '../state/ask.ts'
import { choose } from '../state/place.ts'
import { useShown } from '../state/shown.ts'

/** How fresh each account is, and the open findings with what they mean. */
export function QualityView({ query }: { readonly query: string }) {
  const asked = useAnswer<QualityAnswer>('quality', query)
  return (
    <Answered asked={asked}>
      {(answer) => (
        <>
          <Notes notes={answer.notes} />
          <Accounts answer={answer} />
          <Findings answer={answer} />
        </>
      )}
    </Answered>
  )
}

function Accounts({ answer: { accounts } }: { readonly answer: QualityAnswer }) {
  const rows = accounts.map(
    (one): TableRow => ({
      key: one.account,
      name: <bdi>{one.account}</bdi>,
      cells: [
        <Published at={one.last_published_at} hours={one.age_hours} key="published" />,
        whole(one.referral_count),
        <FindingsOf key="findings" account={one.account} count={one.open_finding_count} />,
        whole(one.quarantine_count),
      ],
    }),
  )
  const heads = ['Account', 'Last published', 'Referrals', 'Open findings', 'Quarantined']
  return (
    <Figured title="Accounts">
      <Table heads={heads} rows={rows} />
    </Figured>
  )
}

/** Number of open findings of an account, which leads to them. */
function FindingsOf({ account, count }: { readonly account: string; readonly count: number }) {
  const { place } = useShown()
  if (count === 0) return <>0</>
  const ofAccount = { ...place, choice: choose(place.choice, 'account', [account]) }
  return (
    <Go
      to={placeOfRows(ofAccount, 'set=findings')}
      label={`${counted(count, 'finding')} of ${account}`}
    >
      {whole(count)}
    </Go>
  )
}

function Published({ at, hours }: { readonly at: string | null; readonly hours: number | null }) {
  if (at === null || hours === null) return <>never</>
  const age = hours < 1 ? 'within the last hour' : `${decimal(hours)} hours ago`
  return (
    <>
      {minute(at)}
      <small>{age}</small>
    </>
  )
}

function Findings({ answer: { findings } }: { readonly answer: QualityAnswer }) {
  const largest = Math.max(0, ...findings.map(({ count }) => count))
  const rows = findings.map(
    ({ rule_code, severity, meaning, count, drill }): TableRow => ({
      key: `${rule_code} ${severity}`,
      name: (
        <>
          {rule_code.replaceAll('_', ' ')} <span class="quiet">· {severity}</span>
          <small>{meaning}</small>
          <Bar size={count} largest={largest} colour={0} />
        </>
      ),
      cells: [
        <RowsLink
          key="count"
          drill={drill}
          count={count}
          label={`${counted(count, 'finding')}: ${rule_code.replaceAll('_', ' ')}`}
        >
          {whole(count)}
        </RowsLink>,
      ],
    }),
  )
  return (
    <Figured title="Open findings by rule">
      <Table heads={['Rule', 'Findings']} rows={rows} />
    </Figured>
  )
}
