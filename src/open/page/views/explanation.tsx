import type {
  AmountExplained,
  ConversionExplained,
  Explanation,
  LineExplained,
  RegistrationExplained,
} from '../../../explain/explanation.ts'
import { exact, minute } from '../../../report/page/format.ts'
import { Answered } from '../parts/answered.tsx'
import { Figured, Table } from '../parts/figure.tsx'
import { useAnswer } from '../state/ask.ts'
import { minorUnitOf } from '../state/money.ts'
import { useShown } from '../state/shown.ts'

/** How each amount of a referral came about, as `cosell explain` tells it. */
export function ExplanationView({ referral }: { readonly referral: string }) {
  const asked = useAnswer<Explanation>('explain', referral)
  return (
    <Figured title="How each amount came about">
      <Answered asked={asked}>{(answer) => <Explained answer={answer} />}</Answered>
    </Figured>
  )
}

function Explained({ answer }: { readonly answer: Explanation }) {
  const { notes, deal, registrations, comparison } = answer
  return (
    <>
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <Compared comparison={comparison} />
      <h3>Value of the deal</h3>
      <Amounts amounts={[deal.value]} code={deal.currency_code} />
      <Conversion conversion={deal.conversion} />
      {registrations.map((one) => (
        <Registration key={one.registration_no} registration={one} />
      ))}
      <h3>Where the values come from</h3>
      <Table
        label="Received values and the version that first showed them"
        isText
        heads={['Property', 'Received', 'Since']}
        rows={answer.values.map(({ path, received, since }) => ({
          key: path,
          name: <code>{path}</code>,
          cells: [
            <bdi key="received">{received ?? '–'}</bdi>,
            since === null
              ? '–'
              : `version ${since.version_no} of ${minute(since.seen_at)}, run ${since.run_id}`,
          ],
        }))}
      />
      <h3>Landed versions</h3>
      <Table
        label="Landed versions"
        isText
        heads={['Version', 'Kind', 'Seen', 'Updated by the source', 'Run', 'Role']}
        rows={answer.versions.map((one) => ({
          key: `${one.version_no} ${one.seen_at} ${one.role}`,
          name: String(one.version_no),
          cells: [
            one.kind,
            minute(one.seen_at),
            one.source_updated_at === null ? '–' : minute(one.source_updated_at),
            String(one.run_id),
            one.role,
          ],
        }))}
      />
    </>
  )
}

function Compared({ comparison }: { readonly comparison: Explanation['comparison'] }) {
  const { rows, values, differences } = comparison
  if (differences.length === 0) {
    return (
      <p>
        Recomputed from the landed payload: all {values} values in {rows} rows are those of the
        warehouse.
      </p>
    )
  }
  return (
    <div class="failure">
      <p class="warn">The warehouse differs from what the landed payload gives:</p>
      <ul>
        {differences.map(({ table, row, column, text }) => (
          <li key={`${table} ${row} ${column}`}>
            <bdi>{text}</bdi>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Amounts(props: { readonly amounts: readonly AmountExplained[]; readonly code: string }) {
  const { choices } = useShown()
  const minorUnit = minorUnitOf(choices, props.code)
  return props.amounts.map(({ column, label, amount, formula, unrounded, rounded_to, why }) => (
    <div class="explained" key={column}>
      <p>
        {label}:{' '}
        <strong class="number">
          {amount === null ? '–' : `${props.code} ${exact(amount, minorUnit)}`}
        </strong>
      </p>
      {formula !== null && (
        <p class="number formula">
          {formula}
          {unrounded !== null && ` = ${unrounded}`}
          {rounded_to !== null && `, rounded to ${rounded_to}`}
        </p>
      )}
      <p class="quiet">{why}</p>
    </div>
  ))
}

function Conversion({ conversion }: { readonly conversion: ConversionExplained }) {
  const { answerCurrency, minorUnit } = useReporting()
  const { rate, why, amounts } = conversion
  return (
    <div class="explained">
      {amounts.map(({ column, label, reporting_amount: amount, formula }) => (
        <p key={column}>
          {label} in {answerCurrency}:{' '}
          <strong class="number">
            {amount === null ? '–' : `${answerCurrency} ${exact(amount, minorUnit)}`}
          </strong>
          {formula !== null && <span class="number formula"> = {formula}</span>}
        </p>
      ))}
      <p class="quiet">
        {why}
        {rate !== null &&
          ` Rate ${rate.rate_to_reporting}, quoted ${rate.observed_date}, from ${rate.source}.`}
      </p>
    </div>
  )
}

function useReporting() {
  const { choices } = useShown()
  return {
    answerCurrency: choices.reporting_currency,
    minorUnit: choices.reporting_minor_unit,
  }
}

function Registration({ registration }: { readonly registration: RegistrationExplained }) {
  const { registration_no: no, period, amounts, conversion, allocation, lines } = registration
  return (
    <>
      <h3>Contract {no}</h3>
      <div class="explained">
        <p>
          Status of the ACV: <strong>{period.acv_status}</strong>
        </p>
        <p class="quiet">{period.why}</p>
        {period.start_date !== null && (
          <p>
            Period: {period.start_date} up to, not including, {period.end_exclusive_date ?? '–'}
            {period.months !== null && `, ${period.months} months`}
            {period.months_fraction !== null && ` (${period.months_fraction})`}
          </p>
        )}
        {period.end_why !== null && <p class="quiet">{period.end_why}</p>}
      </div>
      <Amounts amounts={amounts} code={registration.currency_code} />
      <Conversion conversion={conversion} />
      {lines.length > 0 && <p>{allocation}</p>}
      {lines.map((line) => (
        <Line key={line.line_no} line={line} />
      ))}
    </>
  )
}

function Line({ line }: { readonly line: LineExplained }) {
  const { choices } = useShown()
  const { line_no: no, currency_code: code, solution_id: solution, weight, schedule } = line
  const amount = (value: string | null) =>
    value === null ? '–' : exact(value, minorUnitOf(choices, code))
  return (
    <div class="explained">
      <h4>
        Line {no}, <bdi>{solution}</bdi>
      </h4>
      {weight !== null && <p>Share: {weight}</p>}
      <Amounts amounts={line.amounts} code={code} />
      <Conversion conversion={line.conversion} />
      {schedule.length > 0 && (
        <Table
          label={`Schedule of line ${no}`}
          heads={['Contract year', 'Share', 'Solution', 'Running', 'Contract', 'Running total']}
          rows={schedule.map((row) => ({
            key: String(row.contract_year_no),
            name: `Year ${row.contract_year_no}, ${row.period_start_date ?? '–'} to ${row.period_end_date ?? '–'}`,
            cells: [
              row.share ?? '–',
              amount(row.scheduled_solution_amount),
              amount(row.solution_running_amount),
              amount(row.scheduled_contract_amount),
              amount(row.contract_running_amount),
            ],
          }))}
        />
      )}
    </div>
  )
}
