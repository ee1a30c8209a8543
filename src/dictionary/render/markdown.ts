import {
  type ColumnEntry,
  type ContractExample,
  type Dictionary,
  dimensionsOf,
  type EdgeCase,
  type FunctionEntry,
  factsOf,
  functionsOf,
  type Relationship,
  rowOf,
  type SchemaEntry,
  type TableEntry,
  tablesOf,
  withoutSchema,
} from '../dictionary.ts'
import { diagramSource } from './mermaid.ts'
import {
  acvRule,
  cardinality,
  edgeCasesIntro,
  foreignKeyText,
  functionsIntro,
  lastDayText,
  lineageText,
  schemaTitles,
} from './wording.ts'

const generated =
  '<!-- Written by `npm run docs` from the comments of the database: change those instead. -->'

/** Renders the dictionary as Markdown pages, by file name. */
export function dictionaryPages(dictionary: Dictionary): Record<string, string> {
  const operators = dictionary.schemas.filter(({ name }) => !['mart', 'dw'].includes(name))
  return {
    'README.md': overview(dictionary),
    'marts.md': schemaPage('Marts', dictionary, 'mart', martsIntro),
    'star.md': schemaPage('The star schema', dictionary, 'dw', starIntro),
    'operators.md': operatorsPage(operators),
    'relationships.md': relationshipsPage(dictionary),
    'acv.md': acvPage(dictionary),
  }
}

const martsIntro =
  'One view a question. Import these unless you build a model of your own from [the star](star.md). ' +
  'Amounts stand beside their currency and must not be added up across currencies; ' +
  '`…_reporting_amount` is converted, and NULL where there is no rate. Ratios are left to the tool: ' +
  'divide sums, never average quotients.'

const starIntro =
  'Facts hold what happened and what it is worth, dimensions what it is about, bridges what there ' +
  'may be several of. How they join: [relationships](relationships.md). Annual contract value: ' +
  '[the rule with examples](acv.md).'

function overview(dictionary: Dictionary): string {
  const facts = factsOf(dictionary)
  const dimensions = dimensionsOf(dictionary)
  return page('Data dictionary', [
    'Every table and column that people and tools can query, as the database itself describes it.',
    list([
      '[Marts](marts.md): views that answer one question each, ready to import',
      '[Measures](measures.md): figures, each with its SQL and DAX and what it needs',
      '[The star schema](star.md): facts, dimensions and bridges',
      '[Relationships](relationships.md): which column leads where, for a data model',
      '[Annual contract value](acv.md): the rule, worked through',
      '[Tables of operators](operators.md): runs, findings, settings, payloads, people',
    ]),
    '## How to read it',
    '**Grain** is what one row stands for. **Source** is the property of the Referrals API that a ' +
      'column comes from, as the API spells it, or in quotes the column of an Insights download: ' +
      'alone when it is copied, after *from* when it is computed; *ours* when it comes from ' +
      'neither, such as keys and counts. **Null** says *yes* where a value may be missing, which ' +
      'means that it did not happen or was not given; it is unknown for views.',
    '## Questions and the marts that answer them',
    table(
      ['question', 'mart', 'one row per'],
      tablesOf(dictionary, 'mart').flatMap((mart) =>
        mart.questions.map((question) => [
          question,
          `[\`${mart.name}\`](marts.md#${anchor(mart.name)})`,
          escaped(rowOf(mart)),
        ]),
      ),
    ),
    '## The star',
    'Which fact or bridge has which dimension. A number counts the columns that lead there: days ' +
      'play several roles.',
    table(
      ['', ...dimensions.map(({ name }) => `[${shortName(name)}](star.md#${anchor(name)})`)],
      facts.map((fact) => [
        `[\`${withoutSchema(fact.name)}\`](star.md#${anchor(fact.name)})`,
        ...dimensions.map(({ name }) => mark(dictionary.relationships, fact.name, name)),
      ]),
    ),
    'Account, calendar and currency are left out of the drawing.',
    `\`\`\`mermaid\n${diagramSource(dictionary)}\n\`\`\``,
  ])
}

function mark(relationships: readonly Relationship[], from: string, to: string): string {
  const count = relationships.filter((one) => one.from === from && one.to === to).length
  if (count === 0) return ''
  return count === 1 ? '●' : `${count}`
}

function schemaPage(title: string, dictionary: Dictionary, schema: string, intro: string): string {
  const tables = tablesOf(dictionary, schema)
  const functions = functionsOf(dictionary, schema)
  return page(title, [
    intro,
    list(
      tables.map(
        (table) => `[\`${table.name}\`](#${anchor(table.name)}): ${escaped(rowOf(table))}`,
      ),
    ),
    ...tables.map(tableSection),
    ...(functions.length === 0 ? [] : ['## Functions', functionsIntro]),
    ...functions.map(functionSection),
  ])
}

function functionSection(entry: FunctionEntry): string {
  const { name, grain, notes, questions, columns } = entry
  const facts = [
    `**Grain:** ${escaped(grain)}`,
    ...questions.map((question) => `**Answers:** ${question}`),
    ...(notes === '' ? [] : [escaped(notes)]),
    `**Arguments:** ${entry.arguments.map((one) => `\`${one.name}\` ${one.type}`).join(', ')}`,
  ]
  const rows = columns.map((column) => [`\`${column.name}\``, column.type])
  return [`### ${name}`, facts.join('  \n'), table(['column', 'type'], rows)].join('\n\n')
}

function operatorsPage(schemas: readonly SchemaEntry[]): string {
  return page('Tables of operators', [
    'Not granted to BI roles: how the loader works, what it received, and people.',
    ...schemas.flatMap(({ name, meaning, tables }) => [
      `## ${schemaTitles[name] ?? name}`,
      `Schema \`${name}\`. ${meaning}`,
      ...tables.map(tableSection),
    ]),
  ])
}

function tableSection({
  name,
  grain,
  notes,
  questions,
  key,
  uniques,
  columns,
}: TableEntry): string {
  const facts = [
    `**Grain:** ${grain}`,
    ...questions.map((question) => `**Answers:** ${question}`),
    ...(notes === '' ? [] : [notes]),
    ...(key.length === 0 ? [] : [`**Key:** ${codes(key)}`]),
    ...uniques.map((columnsOfKey) => `**Unique:** ${codes(columnsOfKey)}`),
  ]
  const knowsNull = columns.some(({ isNullable }) => isNullable !== null)
  const heads = ['column', 'type', ...(knowsNull ? ['null'] : []), 'meaning', 'source']
  const rows = columns.map((column) => columnRow(column, knowsNull))
  return [`### ${name}`, facts.join('  \n'), table(heads, rows)].join('\n\n')
}

function columnRow(column: ColumnEntry, knowsNull: boolean): string[] {
  const { name, type, isNullable, isKey, meaning, lineage: origin } = column
  const shown = isKey ? `**\`${name}\`**` : `\`${name}\``
  const nullable = knowsNull ? [isNullable ? 'yes' : ''] : []
  return [shown, type, ...nullable, escaped(meaning), lineageText(origin, (path) => `\`${path}\``)]
}

function relationshipsPage({ relationships }: Dictionary): string {
  const facts = [...new Set(relationships.map(({ from }) => from))]
  return page('Relationships', [
    'Every relationship from a fact or bridge to a dimension: many rows to one, and filters run ' +
      'from the dimension to the fact alone. *Active* is the default of tools that allow one ' +
      'relationship between two tables; the others are roles, to be used by name. The active way to ' +
      'days is the first one of each table. Foreign keys are what tools detect. The database holds ' +
      'the *enforced* ones; it takes the *declared* ones on trust, and every load checks them, but ' +
      'for ends of contracts and days of imported files, which may lie outside of the calendar. ' +
      'Servers before PostgreSQL 18 enforce whatever is declared, which takes time: there only the ' +
      'active way to days of five tables is declared beside the enforced ones, and the others ' +
      'follow from equal names.',
    ...facts.flatMap((fact) => [
      `## ${fact}`,
      table(
        ['column', 'leads to', 'cardinality', 'filters', 'active', 'foreign key'],
        relationships
          .filter(({ from }) => from === fact)
          .map((relationship) => [
            `\`${relationship.fromColumn}\``,
            `\`${relationship.to}[${relationship.toColumn}]\``,
            cardinality(relationship),
            'one way',
            relationship.isActive ? 'yes' : 'role',
            foreignKeyText(relationship),
          ]),
      ),
    ]),
    '## What is not related',
    list([
      'Facts to facts. They share dimensions, above all `dw.dim_referral`. A tool that relates them ' +
        'all the same has one column for it: `registration_key` leads to `dw.fact_registration` and ' +
        'to `mart.registration`, `registration_line_key` to `dw.fact_registration_solution` and to ' +
        '`mart.acv_line`, many to one each.',
      'Dimensions to `dw.dim_partner_account`, though they carry its key: facts reach it directly, ' +
        'and a second path would be ambiguous.',
      'Anything to `dw.fx_rate`, whose key is a currency and a day: the marts have converted amounts.',
    ]),
  ])
}

function acvPage({ contracts, edgeCases }: Dictionary): string {
  return page('Annual contract value', [
    ...acvRule,
    '## Worked examples',
    'Computed by the rule itself when this page was written.',
    ...contracts.map(contractSection),
    '## Edge cases',
    edgeCasesIntro,
    table(['reported', '`acv_status`', 'annual value', 'why'], edgeCases.map(edgeCaseRow)),
  ])
}

function edgeCaseRow({ reported, status, acv, reason }: EdgeCase): string[] {
  return [reported, `\`${status}\``, acv ?? 'none', reason]
}

function contractSection(contract: ContractExample): string {
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
  const rows = [
    ['value', `${currency} ${value}`],
    ['from', start],
    ['to, as reported', end ?? 'no end'],
    ['last day, as used', lastDayText(contract)],
    ['**annual contract value**', `**${currency} ${acv}**`],
    ['how', sum],
    ...(annualized === acv ? [] : [['annualized', `${currency} ${annualized}`]]),
  ]
  return [
    `### ${title}`,
    lesson,
    table(['contract', ''], rows),
    table(
      ['contract year', 'from', 'to', 'months', `amount, ${currency}`],
      [
        ...years.map((year) => [`${year.year}`, year.start, year.end, year.months, year.amount]),
        ['**sum**', '', '', contract.months, `**${value}**`],
      ],
      ['---', '---', '---', '--:', '--:'],
    ),
  ].join('\n\n')
}

/** Renders a page below a comment that says where to change it. */
export function page(title: string, parts: readonly string[], comment = generated): string {
  return `${[comment, `# ${title}`, ...parts].join('\n\n')}\n`
}

export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  rules: readonly string[] = heads.map(() => '---'),
): string {
  return [heads, rules, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

/** Returns the anchor that GitHub derives from a heading. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

function shortName(dimension: string): string {
  return withoutSchema(dimension).replace(/^dim_/, '').replaceAll('_', ' ')
}

/** Escapes a bar, which would end the cell, and an angle, which would open a tag. */
export function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
