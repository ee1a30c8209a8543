import { html, type Markup } from '../html.ts'
import type { MicrosoftAcv, ReportData } from '../report-data.ts'
import { barTable } from './figure.ts'
import { counted, percent, whole } from './format.ts'

/** Section on Microsoft's annual contract value beside ours; empty without a download that has it. */
export function microsoftAcv({ microsoft_acv }: ReportData): Markup {
  if (microsoft_acv === null) return html``
  const reasons = microsoft_acv.reasons.map(({ reason, registration_count }) => ({
    label: reason,
    value: String(registration_count),
    cells: [whole(registration_count)],
  }))
  const conventions = microsoft_acv.conventions.map((convention) => ({
    label: html`<span class="name">${convention.convention_name}</span>${
      convention.is_ours ? html`<small>the convention of this report</small>` : ''
    }`,
    value: String(convention.reproduced_count),
    cells: [
      whole(convention.reproduced_count),
      percent(convention.reproduced_count, convention.registration_count),
      whole(convention.telling_count),
    ],
  }))
  return html`<section><h2>Contract ACV beside Microsoft's</h2>
${barTable({ id: 'acv-reasons', title: "Why Microsoft's value differs", note: agreement(microsoft_acv) }, ['Most likely reason', 'Registrations'], reasons)}
${barTable(
  {
    id: 'acv-conventions',
    title: "Conventions that give Microsoft's value",
    note: 'Where another convention gives another value, a registration tells them apart',
  },
  ['Convention', 'Registrations', 'Of all', 'Of them telling'],
  conventions,
)}</section>
`
}

function agreement({ as_of_date, figure_count, agreeing_count }: MicrosoftAcv): Markup {
  const day = as_of_date === null ? '' : html` of ${as_of_date}`
  return html`${whole(agreeing_count)} of ${counted(figure_count, 'value')} in the Insights downloads${day} agree with ours`
}
