import type { MeasureEntry, MeasureFolder } from '../measures/describe-measures.ts'
import { anchor, escaped, list, page, table } from './markdown.ts'

const generated =
  '<!-- Written by `cosell docs` from src/dictionary/measures: change those instead. -->'

/** Renders the page of measures: what each means, what it needs, and how it is computed. */
export function measuresPage(folders: readonly MeasureFolder[]): string {
  return page(
    'Measures',
    [
      'Figures that are defined once for every tool. SQL is an aggregate over the rows that a filter ' +
        'leaves, so it may be grouped by any column of its mart. DAX is the measure of the ' +
        '[Power BI project](../bi/power-bi.md).',
      list([
        '**Adds up over** says which groups may be added up. Ratios and medians are computed for each ' +
          'group anew.',
        '**Needs** names the column to filter or group by, without which the measure is empty: ' +
          'currencies do not add up, nor do days of a snapshot. In Power BI the last day in view counts; ' +
          'in SQL filter to one day, also where you group by something else.',
        '**Day** is the one by which a calendar cuts it.',
      ]),
      ...folders.flatMap(({ name, measures }) => [
        `## ${name}`,
        table(
          ['measure', 'question', 'mart'],
          measures.map((measure) => [
            `[${measure.name}](#${anchor(measure.name)})`,
            escaped(measure.question),
            `[\`${measure.mart}\`](marts.md#${anchor(measure.mart)})`,
          ]),
        ),
        ...measures.map(section),
      ]),
    ],
    generated,
  )
}

function section(measure: MeasureEntry): string {
  const facts = [
    escaped(measure.description),
    `**Mart:** \`${measure.mart}\`, one row per ${escaped(measure.grain)}`,
    `**Format:** ${measure.format}`,
    `**Adds up over:** ${measure.addsUpOver}`,
    ...(measure.needs.length === 0
      ? []
      : [`**Needs:** ${measure.needs.map((column) => `\`${column}\``).join(', ')}`]),
    ...(measure.day === null ? [] : [`**Day:** \`${measure.day}\``]),
  ]
  return [
    `### ${measure.name}`,
    facts.join('  \n'),
    `\`\`\`sql\n${measure.sql}\n\`\`\``,
    `\`\`\`dax\n${measure.dax}\n\`\`\``,
  ].join('\n\n')
}
