import { exact, minute } from '../../../report/page/format.ts'
import type { Cell, Change, Choices, Fact, Night, ReferralAnswer } from '../../answers.ts'
import { Answered, Notes } from '../parts/answered.tsx'
import { cellText, PartTable } from '../parts/cells.tsx'
import { Figured } from '../parts/figure.tsx'
import { Heading } from '../parts/heading.tsx'
import { useAnswer } from '../state/ask.ts'
import { minorUnitOf } from '../state/money.ts'
import { useShown } from '../state/shown.ts'
import { ExplanationView } from './explanation.tsx'

/** Everything about one referral. */
export function ReferralView({ referral }: { readonly referral: string }) {
  const asked = useAnswer<ReferralAnswer>('referral', referral)
  return (
    <>
      <Heading text={asked.answer === null ? 'Referral' : (asked.answer.name ?? '(no name)')} />
      <Answered asked={asked}>{(answer) => <Read answer={answer} referral={referral} />}</Answered>
    </>
  )
}

function Read({
  answer,
  referral,
}: {
  readonly answer: ReferralAnswer
  readonly referral: string
}) {
  return (
    <>
      <Identity answer={answer} />
      <Facts facts={answer.facts} />
      <Notes notes={answer.notes} />
      <Figured title="Life, latest change first" note="By the day of the change at the source.">
        <ol class="life">
          {answer.life.map((night) => (
            <Lived key={`${night.observed_at} ${night.version_no}`} night={night} />
          ))}
        </ol>
      </Figured>
      <Figured title="Other referrals of the same deal">
        <PartTable label="Other referrals of the same deal" part={answer.engagement} />
      </Figured>
      {answer.registrations.map((registration, index) => (
        <Registration key={index} no={index + 1} registration={registration} />
      ))}
      <Figured title="Solutions and offers asked for">
        <PartTable label="Solutions and offers asked for" part={answer.requested} />
      </Figured>
      <Figured title="Open findings">
        <PartTable label="Open findings" part={answer.findings} />
      </Figured>
      <ExplanationView referral={referral} />
    </>
  )
}

function Identity({ answer }: { readonly answer: ReferralAnswer }) {
  const { account, referral_id: id, stage_label: stage, is_missing: isMissing } = answer
  return (
    <>
      <p class="quiet">
        <bdi>{stage}</bdi> · <bdi>{account}</bdi> · <bdi>{id}</bdi>
      </p>
      {isMissing && <p class="warn">The source no longer shows this referral.</p>}
    </>
  )
}

function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  const { choices } = useShown()
  return (
    <dl class="facts">
      {facts
        .filter(({ value }) => value !== null)
        .map((fact) => (
          <div key={fact.name}>
            <dt>{fact.label}</dt>
            <dd>
              <Side value={fact.value} code={currencyOf(fact, choices)} kind={fact.kind} />
            </dd>
          </div>
        ))}
    </dl>
  )
}

/** Currency of a fact; of a converted amount the reporting currency. */
function currencyOf({ name, kind, currency_code }: Fact, choices: Choices): string | null {
  const isConverted = kind === 'amount' && /(reporting|converted)_amount$/.test(name)
  return isConverted ? choices.reporting_currency : currency_code
}

function Lived({ night }: { readonly night: Night }) {
  const { choices } = useShown()
  const { day, stage_label: stage, deal_value_amount: value, currency_code: code } = night
  const worth = value === null ? '' : ` · ${code} ${exact(value, minorUnitOf(choices, code))}`
  const close = night.expected_close_date
  return (
    <li>
      <time datetime={day}>{day}</time> · <bdi>{stage}</bdi>
      {worth}
      {close !== null && ` · close expected ${close}`}
      {night.is_missing && ' · missing from the source'}
      <span class="quiet">
        {night.is_estimated
          ? ' · estimated, before the first load'
          : ` · seen by the run of ${minute(night.observed_at)}`}
      </span>
      {night.changes.length > 0 && (
        <ul>
          {night.changes.map((change) => (
            <Changed key={change.property} change={change} />
          ))}
        </ul>
      )}
    </li>
  )
}

function Changed({ change }: { readonly change: Change }) {
  const { label, before, after, currency_before: from, currency_after: to } = change
  return (
    <li>
      {label}: <Side value={before} code={from} kind={change.kind} /> →{' '}
      <Side value={after} code={to} kind={change.kind} />
    </li>
  )
}

function Side(props: {
  readonly value: Cell
  readonly code: string | null
  readonly kind: Change['kind']
}) {
  const { choices } = useShown()
  const { value, code, kind } = props
  return (
    <>
      {code !== null && value !== null && <bdi>{code} </bdi>}
      <bdi>{cellText(value, kind, code === null ? 2 : minorUnitOf(choices, code))}</bdi>
    </>
  )
}

function Registration(props: {
  readonly no: number
  readonly registration: ReferralAnswer['registrations'][number]
}) {
  const { no, registration } = props
  const title = `Contract ${no}`
  return (
    <Figured title={title}>
      <Facts facts={registration.facts} />
      <h3>Lines</h3>
      <PartTable label={`Lines of contract ${no}`} part={registration.lines} />
      <h3>Schedule</h3>
      <PartTable label={`Schedule of contract ${no}`} part={registration.schedule} />
      <h3>Review</h3>
      <PartTable label={`Review of contract ${no}`} part={registration.reviews} />
    </Figured>
  )
}
