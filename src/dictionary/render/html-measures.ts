import { html, type Markup } from '../../report/html.ts'
import type { MeasureFolder } from '../measures/describe-measures.ts'

/** Renders the measures by folder, each with its aggregate in SQL. */
export function measuresSection(folders: readonly MeasureFolder[]): Markup {
  return html`<section id="measures">
<h2>Measures</h2>
<p>Figures that are defined once for every tool. The SQL may be grouped and filtered by any column of
its mart. What a measure needs is the column to filter or group by, without which it is empty.</p>
${folders.map(
  ({ name, measures }) => html`<div class="scroll"><table>
<caption>${name}</caption>
<thead><tr><th>measure</th><th>meaning</th><th>adds up over</th><th>needs</th><th>SQL</th></tr></thead>
<tbody>${measures.map(
    (measure) => html`<tr><td>${measure.name}</td><td>${measure.description}</td>
<td>${measure.addsUpOver}</td><td>${measure.needs.map((column) => html`<code>${column}</code> `)}</td>
<td><code>${measure.sql}</code></td></tr>`,
  )}</tbody>
</table></div>`,
)}
</section>`
}
