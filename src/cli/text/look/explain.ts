import type {
  AmountExplained,
  Comparison,
  ConversionExplained,
  Explanation,
  LineExplained,
  PeopleShown,
  RegistrationExplained,
} from '../../../explain/explanation.ts'
import { plain, type Style, textColumns, wrapWords } from '../../../terminal/terminal-text.ts'
import { formatCount, inLines, renderGrid, renderLabelled } from '../grid.ts'

const labelWidth = 14
const margin = '  '

/** Renders how the amounts of a referral came about, from the referral down to the contract years. */
export function renderExplanation(given: Explanation, style: Style = plain): string {
  const explanation = inLines(given)
  const { account, referral_id, status, notes, deal, registrations, people } = explanation
  const heading = (text: string) => style('heading', text)
  return [
    [
      labelled('Referral', referral_id),
      labelled('Account', account),
      labelled('Status', status),
      ...notes.map((note) => labelled('Note', note)),
    ].join('\n'),
    `${heading('Differences')}\n${renderComparison(explanation.comparison, style)}`,
    `${heading('Landed versions')}\n${renderVersions(explanation, style)}`,
    `${heading('Values received')}\n${renderValues(explanation, style)}`,
    [
      heading(`Deal in ${deal.currency_code}`),
      renderAmount(deal.value),
      renderConversion(deal.conversion),
    ].join('\n'),
    ...registrations.map((registration) => renderRegistration(registration, style)),
    ...renderFindings(explanation, style),
    ...(people === undefined ? [] : [`${heading('People')}\n${renderPeople(people, style)}`]),
  ].join('\n\n')
}

function renderComparison({ rows, values, differences }: Comparison, style: Style): string {
  const compared = `${formatCount(values)} values of ${formatCount(rows)} rows were recomputed`
  if (differences.length === 0) return indented(`None: ${compared} as the warehouse has them.`)
  return [
    indented(`${compared}; ${formatCount(differences.length)} differ:`),
    ...differences.map(({ text }) => style('warning', indented(text))),
    indented('`cosell rebuild` brings the warehouse to what was landed.'),
  ].join('\n')
}

function renderVersions({ versions }: Explanation, style: Style): string {
  const rows = versions.map((version) => [
    String(version.version_no),
    version.kind,
    version.seen_at.slice(0, 19),
    version.source_updated_at?.slice(0, 19) ?? '-',
    String(version.run_id),
    version.role,
  ])
  return renderGrid(['No', 'Kind', 'Seen at', 'Updated at', 'Run', 'Role'], rows, style)
}

function renderValues({ values }: Explanation, style: Style): string {
  const rows = values
    .filter(({ received, not_shown }) => received !== null || not_shown !== null)
    .map(({ path, received, not_shown, since }) => [
      path,
      received ?? `(${not_shown})`,
      since === null ? '-' : String(since.version_no),
      since?.seen_at.slice(0, 10) ?? '-',
    ])
  return renderGrid(['Property', 'Value', 'Version', 'Seen since'], rows, style)
}

function renderRegistration(registration: RegistrationExplained, style: Style): string {
  const { registration_no: no, registration_id: id, period, lines, amounts } = registration
  const title = [`Registration ${no}`, ...(id === null ? [] : [id])].join(', ')
  const dates = [
    `signed ${registration.sign_date ?? 'on no known day'}`,
    `from ${registration.start_date ?? 'no known day'}`,
    `to ${registration.end_date ?? 'no known day'}`,
  ]
  return [
    style('heading', `${title}: ${registration.registration_status}`),
    labelled('Contract', `${registration.contract_term}, ${dates.join(', ')}`),
    labelled('acv_status', `${period.acv_status}: ${period.why}`),
    ...(period.months === null
      ? []
      : [labelled('Months', `${period.months} (${period.term_months})`)]),
    ...(period.end_exclusive_date === null
      ? []
      : [labelled('Ends before', `${period.end_exclusive_date}. ${period.end_why}`)]),
    ...amounts.map(renderAmount),
    renderConversion(registration.conversion),
    labelled('Lines', registration.allocation),
    ...lines.map((line) => `\n${renderLine(registration, line, style)}`),
  ].join('\n')
}

function renderLine(
  { registration_no }: RegistrationExplained,
  line: LineExplained,
  style: Style,
): string {
  const weight = line.weight === null ? '' : `, weight ${line.weight}`
  const title = `Line ${line.line_no} of registration ${registration_no}: ${line.solution_id}${weight}`
  const years = line.schedule.map((row) => [
    String(row.contract_year_no),
    row.period_start_date ?? '-',
    row.period_end_date ?? '-',
    row.share ?? '-',
    row.scheduled_solution_amount ?? '-',
    row.solution_running_amount ?? '-',
    row.scheduled_contract_amount ?? '-',
    row.contract_running_amount ?? '-',
  ])
  const heads = ['Year', 'From', 'To', 'Months so far', 'Line', 'so far', 'Contract', 'so far']
  return [
    style('heading', title),
    ...line.amounts.map(renderAmount),
    renderConversion(line.conversion),
    ...(years.length === 0 ? [] : ['', renderGrid(heads, years, style)]),
  ].join('\n')
}

function renderAmount({ label, amount, formula, unrounded, rounded_to, why }: AmountExplained) {
  const isRounded = unrounded !== null && unrounded !== amount
  const result = [
    amount ?? 'none',
    ...(formula === null || formula === amount ? [] : [`= ${formula}`]),
    ...(isRounded ? [`= ${unrounded}, rounded to ${rounded_to}`] : []),
  ]
  return `${indented(`${label}: ${result.join(' ')}`)}\n${indented(why, 2)}`
}

function renderConversion({ why, amounts, rate }: ConversionExplained): string {
  return [
    indented(`Conversion: ${why}`),
    ...amounts
      .filter(({ amount, formula }) => amount !== null && rate !== null && formula !== null)
      .map(({ label, formula, reporting_amount }) =>
        indented(`${label}, converted: ${reporting_amount ?? 'none'} = ${formula}`, 2),
      ),
  ].join('\n')
}

function renderFindings({ findings }: Explanation, style: Style): string[] {
  if (findings.length === 0) return []
  const lines = findings.map(({ rule_code, item_ref, observed_value, meaning, remedy }) => {
    const place = item_ref === '' ? '' : ` at ${item_ref}`
    const value = observed_value === null ? '' : `, ${observed_value}`
    return `${indented(`${rule_code}${place}${value}`)}\n${indented(`${meaning} ${remedy}`, 2)}`
  })
  return [`${style('heading', 'Findings')}\n${lines.join('\n')}`]
}

function renderPeople({ contacts, texts }: PeopleShown, style: Style): string {
  const heads = ['Role', 'First name', 'Last name', 'E-mail', 'Phone']
  const rows = contacts.map((contact) =>
    [
      contact.contact_role,
      contact.first_name,
      contact.last_name,
      contact.email,
      contact.phone_number,
    ].map((text) => text ?? '-'),
  )
  const notes = Object.entries(texts).flatMap(([name, text]) =>
    text === null ? [] : [labelled(name, text)],
  )
  return [renderGrid(heads, rows, style), ...notes].join('\n')
}

function labelled(label: string, text: string): string {
  return renderLabelled(label, text, Math.max(labelWidth, label.length + 2))
}

function indented(text: string, depth = 1): string {
  const indent = margin.repeat(depth)
  return wrapWords(`${indent}${text}`, textColumns, indent.length + margin.length)
}
