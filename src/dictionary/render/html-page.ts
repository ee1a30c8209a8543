import { createHash } from 'node:crypto'
import { html, isolated, Markup } from '../../report/html.ts'
import {
  type ColumnEntry,
  type ContractExample,
  type Dictionary,
  type FunctionEntry,
  factsOf,
  rowOf,
  type SchemaEntry,
  type TableEntry,
  tablesOf,
  withoutSchema,
} from '../dictionary.ts'
import type { LiveState, RowCount } from '../live-state.ts'
import type { MeasureFolder } from '../measures/describe-measures.ts'
import { measuresSection } from './html-measures.ts'
import { pageScript } from './html-script.ts'
import { pageStyle } from './html-style.ts'
import { starDrawing } from './star-drawing.ts'
import {
  acvRule,
  cardinality,
  edgeCasesIntro,
  foreignKeyText,
  functionsIntro,
  lastDayText,
  schemaTitles,
} from './wording.ts'

/**
 * Renders the dictionary as one self-contained HTML page, which requests nothing. Its own script is
 * the only one that runs.
 */
export function dictionaryPage(
  dictionary: Dictionary,
  measures: readonly MeasureFolder[],
  live: LiveState,
): string {
  const body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'">
<title>cosell: data dictionary</title>
<style>${new Markup(pageStyle)}</style>
</head>
<body>
<nav aria-label="Contents">${contents(dictionary)}</nav>
<main>
${introduction(dictionary)}
${tools}
${freshness(live)}
${questions(tablesOf(dictionary, 'mart'))}
${measuresSection(measures)}
${star(dictionary)}
${contracts(dictionary)}
${dictionary.schemas.map((schema) => schemaSection(schema, live))}
</main>
<script>${new Markup(pageScript)}</script>
</body>
</html>
`
  return body.text
}

const scriptHash = createHash('sha256').update(pageScript).digest('base64')

/** Hidden until the script runs. */
const tools = html`<div id="tools" hidden role="search">
<label for="search">Search measures, tables and columns</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="such as: approved date">
<button type="button" id="open">Open all</button> <button type="button" id="close">Close all</button>
<output id="found" for="search"></output>
</div>`

function contents({ schemas }: Dictionary): Markup {
  return html`<p class="brand"><a href="#top">Data dictionary</a></p>
<ul>
<li><a href="#freshness">Freshness</a></li>
<li><a href="#questions">Questions and marts</a></li>
<li><a href="#measures">Measures</a></li>
<li><a href="#star">The star</a></li>
<li><a href="#relationships">Relationships</a></li>
<li><a href="#acv">Annual contract value</a></li>
</ul>
${schemas.map(
  ({ name, tables }) => html`<p><a href="#${name}">${schemaTitles[name] ?? name}</a></p>
<ul>${tables.map((table) => html`<li><a href="#${table.name}" data-table="${table.name}">${withoutSchema(table.name)}</a></li>`)}</ul>`,
)}`
}

function introduction({ schemas }: Dictionary): Markup {
  const tables = schemas.flatMap((schema) => schema.tables)
  const columns = tables.reduce((sum, table) => sum + table.columns.length, 0)
  return html`<header id="top">
<h1>Data dictionary</h1>
<p class="lead">${tables.length} tables and views with ${columns} columns, as the database itself
describes them.</p>
<dl class="legend">
<dt>Grain</dt><dd>what one row stands for</dd>
<dt>Source</dt><dd>the property of the Referrals API that a column comes from, as the API spells it, or in
quotes the column of an Insights download; after <i>from</i> when it is computed from it; <i>ours</i> when it
comes from neither, such as keys and counts</dd>
<dt>Null</dt><dd><i>yes</i> where a value may be missing: it did not happen or was not given. Unknown
for views</dd>
</dl>
</header>`
}

function freshness({ accounts }: LiveState): Markup {
  const none = 'No account has been loaded yet.'
  const lead =
    'Each account as readers saw it when this page was written, and so are the rows of each table.'
  return html`<section id="freshness">
<h2>Freshness</h2>
<p>${accounts.length === 0 ? none : lead}</p>
${accounts.length === 0 ? null : accountTable(accounts)}
</section>`
}

function accountTable(accounts: LiveState['accounts']): Markup {
  return html`<div class="scroll"><table>
<thead><tr><th>account</th><th>last published</th><th>source read up to</th><th class="number">in quarantine</th></tr></thead>
<tbody>${accounts.map(
    (
      account,
    ) => html`<tr><td>${isolated(account.account_name)}${account.is_active ? null : ' (no longer read)'}</td>
<td>${instant(account.published_at)}</td><td>${instant(account.watermark_to)}</td>
<td class="number">${grouped(account.quarantined_referral_count)}</td></tr>`,
  )}</tbody>
</table></div>`
}

function instant(text: string | null): string {
  return text === null ? 'never' : `${text} UTC`
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

function questions(marts: readonly TableEntry[]): Markup {
  return html`<section id="questions">
<h2>Questions and the marts that answer them</h2>
<p>One view a question, flat and ready to import. An amount stands beside its currency and is never
added up across currencies; <code>…_reporting_amount</code> is converted, and empty where there is no
rate. Ratios are left to the tool: divide sums, never average quotients.</p>
<div class="scroll"><table>
<thead><tr><th>question</th><th>mart</th><th>one row per</th></tr></thead>
<tbody>${marts.flatMap((mart) =>
    mart.questions.map(
      (question) =>
        html`<tr><td>${question}</td><td>${link(mart.name)}</td><td>${rowOf(mart)}</td></tr>`,
    ),
  )}</tbody>
</table></div>
</section>`
}

function star(dictionary: Dictionary): Markup {
  return html`<section id="star">
<h2>The star</h2>
<p>Facts and bridges in the middle, dimensions to the sides. The number on a line counts the columns
that lead there: days play several roles. Every fact also has <a href="#dw.dim_partner_account">the
account</a>.</p>
<figure class="scroll">${starDrawing(dictionary)}</figure>
<h3 id="relationships">Relationships</h3>
<p>Many rows to one, and filters run from the dimension to the fact alone. A <i>role</i> is a further
relationship to the same dimension, to be used by name. Tools detect foreign keys: the database
holds the <i>enforced</i> ones, and every load checks the others.</p>
${factsOf(dictionary).map((fact) => relationshipTable(dictionary, fact))}
</section>`
}

function relationshipTable({ relationships }: Dictionary, { name }: TableEntry): Markup {
  const outgoing = relationships.filter(({ from }) => from === name)
  return html`<div class="scroll"><table class="ways">
<caption>${link(name)}</caption>
<thead><tr><th>column</th><th>leads to</th><th>cardinality</th><th>use</th><th>foreign key</th></tr></thead>
<tbody>${outgoing.map(
    (relationship) => html`<tr><td><code>${relationship.fromColumn}</code></td>
<td>${link(relationship.to)} <code>${relationship.toColumn}</code></td><td>${cardinality(relationship)}</td>
<td>${relationship.isActive ? 'active' : 'role'}</td><td>${foreignKeyText(relationship)}</td></tr>`,
  )}</tbody>
</table></div>`
}

function contracts(dictionary: Dictionary): Markup {
  return html`<section id="acv">
<h2>Annual contract value</h2>
${acvRule.map((paragraph) => html`<p>${paragraph}</p>`)}
<p>The examples were computed by the rule itself when this page was written.</p>
<div class="cards">${dictionary.contracts.map(contractCard)}</div>
<h3>Edge cases</h3>
<p>${edgeCasesIntro}</p>
<div class="scroll"><table>
<thead><tr><th>reported</th><th>acv_status</th><th class="number">annual value</th><th>why</th></tr></thead>
<tbody>${dictionary.edgeCases.map(
    ({
      reported,
      status,
      acv,
      reason,
    }) => html`<tr><td>${reported}</td><td><code>${status}</code></td>
<td class="number">${acv ?? 'none'}</td><td>${reason}</td></tr>`,
  )}</tbody>
</table></div>
</section>`
}

function contractCard(contract: ContractExample): Markup {
  const {
    title,
    explanation: lesson,
    currency,
    value,
    start,
    end,
    sum,
    annualized,
    acv,
    years,
  } = contract
  return html`<article class="card">
<h3>${title}</h3>
<p class="figure">${currency} ${acv} <small>a year</small></p>
<p>${lesson}</p>
<dl>
<dt>value</dt><dd>${currency} ${value}</dd>
<dt>from</dt><dd>${start}</dd>
<dt>to, as reported</dt><dd>${end ?? 'no end'}</dd>
<dt>last day, as used</dt><dd>${lastDayText(contract)}</dd>
<dt>how</dt><dd>${sum}</dd>
${annualized === acv ? null : html`<dt>annualized</dt><dd>${currency} ${annualized}</dd>`}
</dl>
<table>
<thead><tr><th>year</th><th>from</th><th>to</th><th class="number">amount</th></tr></thead>
<tbody>${years.map(
    (year) => html`<tr><td>${year.year}</td><td>${year.start}</td><td>${year.end}</td>
<td class="number">${year.amount}</td></tr>`,
  )}</tbody>
<tfoot><tr><td colspan="3">sum</td><td class="number">${value}</td></tr></tfoot>
</table>
</article>`
}

function schemaSection({ name, meaning, tables, functions }: SchemaEntry, live: LiveState): Markup {
  return html`<section id="${name}">
<h2>${schemaTitles[name] ?? name} <small><code>${name}</code></small></h2>
<p>${meaning}</p>
${tables.map((table) => tableEntry(table, live))}
${functions.length === 0 ? null : html`<p>${functionsIntro}</p>`}
${functions.map(functionEntry)}
</section>`
}

/** One function, closed like a table. */
function functionEntry(entry: FunctionEntry): Markup {
  const { name, grain, notes, questions, columns } = entry
  return html`<details class="entry" data-name="${name}">
<summary><h3>${wrapping(name)}</h3><span class="grain">${rowOf(entry)}</span><span class="rows">function</span></summary>
<dl class="about" id="${name}">
<dt>Grain</dt><dd>${grain}</dd>
${questions.map((question) => html`<dt>Answers</dt><dd>${question}</dd>`)}
${notes === '' ? null : html`<dt>Note</dt><dd>${notes}</dd>`}
<dt>Arguments</dt><dd>${entry.arguments.map((one, at) => html`${at === 0 ? '' : ', '}<code>${one.name}</code> ${one.type}`)}</dd>
</dl>
<div class="scroll"><table class="columns">
<thead><tr><th>column</th><th>type</th></tr></thead>
<tbody>${columns.map((column) => html`<tr><td><code>${wrapping(column.name)}</code></td><td class="type">${column.type}</td></tr>`)}</tbody>
</table></div>
</details>`
}

/** One table, closed until it is asked for; a link to what is inside opens it. */
function tableEntry(table: TableEntry, { rows }: LiveState): Markup {
  const { name, grain, notes, key, uniques, columns } = table
  const knowsNull = columns.some(({ isNullable }) => isNullable !== null)
  return html`<details class="entry" data-name="${name}">
<summary><h3>${name}</h3><span class="grain">${rowOf(table)}</span><span class="rows">${rowsText(rows.get(name))}</span></summary>
<dl class="about" id="${name}">
<dt>Grain</dt><dd>${grain}</dd>
${table.questions.map((question) => html`<dt>Answers</dt><dd>${question}</dd>`)}
${notes === '' ? null : html`<dt>Note</dt><dd>${notes}</dd>`}
${key.length === 0 ? null : html`<dt>Key</dt><dd>${codes(key)}</dd>`}
${uniques.map((unique) => html`<dt>Unique</dt><dd>${codes(unique)}</dd>`)}
</dl>
<div class="scroll"><table class="columns">
<thead><tr><th>column</th><th>type</th>${knowsNull ? html`<th class="null">null</th>` : null}<th>meaning</th><th>source</th></tr></thead>
<tbody>${columns.map((column) => columnRow(column, knowsNull))}</tbody>
</table></div>
</details>`
}

function rowsText(found: RowCount | undefined): string {
  if (found === undefined) return 'not counted'
  const rows = found.count === 1 ? '1 row' : `${grouped(found.count)} rows`
  return found.isExact ? rows : `about ${rows}`
}

function columnRow(column: ColumnEntry, knowsNull: boolean): Markup {
  const { name, type, isNullable, isKey, meaning, lineage: origin, pointsTo } = column
  return html`<tr><td><code>${isKey ? html`<b>${wrapping(name)}</b>` : wrapping(name)}</code></td><td class="type">${type}</td>
${knowsNull ? html`<td class="null">${isNullable ? 'yes' : ''}</td>` : null}
<td>${meaning}${pointsTo === null ? null : html` <a class="key" href="#${pointsTo}" title="foreign key">→ ${withoutSchema(pointsTo)}</a>`}</td>
<td class="source">${origin.kind === 'ours' ? html`<i>ours</i>` : null}${origin.kind === 'computed' ? html`<i>from</i> ` : null}${origin.paths.map(pathText)}</td></tr>`
}

/** Renders a name that may wrap after each of its words. */
function wrapping(name: string): Markup[] {
  return name.split('_').map((word, at) => html`${at === 0 ? '' : new Markup('_<wbr>')}${word}`)
}

/** Renders a path that may wrap before each of its steps. */
function pathText(path: string): Markup {
  const steps = path
    .split('.')
    .map((step, at) => html`${at === 0 ? '' : new Markup('<wbr>.')}${step}`)
  return html`<code>${steps}</code> `
}

function codes(names: readonly string[]): Markup[] {
  return names.map((name, index) => html`${index === 0 ? '' : ', '}<code>${name}</code>`)
}

function link(table: string): Markup {
  return html`<a href="#${table}"><code>${table}</code></a>`
}
