import { measureTable } from './model.ts'
import { type Chart, type ReportPage, reportPages, slicers } from './report-pages.ts'

const schemas = 'https://developer.microsoft.com/json-schemas/fabric/item/report/definition'
const page = { width: 1280, height: 720 } as const
const margin = 16

interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Renders the pages of the report in PBIR, by their names below its definition folder. */
export function reportFiles(): Record<string, object> {
  return {
    'version.json': { $schema: `${schemas}/versionMetadata/1.0.0/schema.json`, version: '2.0.0' },
    'report.json': {
      $schema: `${schemas}/report/3.0.0/schema.json`,
      themeCollection: {
        baseTheme: {
          name: 'CY24SU10',
          reportVersionAtImport: { visual: '1.8.97', report: '2.0.97', page: '1.3.97' },
          type: 'SharedResources',
        },
      },
      settings: { useStylableVisualContainerHeader: true, useEnhancedTooltips: true },
    },
    'pages/pages.json': {
      $schema: `${schemas}/pagesMetadata/1.0.0/schema.json`,
      pageOrder: reportPages.map(({ name }) => name),
      activePageName: reportPages[0]?.name,
    },
    ...Object.fromEntries(reportPages.flatMap(pageFiles)),
  }
}

function pageFiles(of: ReportPage): [string, object][] {
  const visuals = visualsOf(of)
  return [
    [
      `pages/${of.name}/page.json`,
      {
        $schema: `${schemas}/page/2.0.0/schema.json`,
        name: of.name,
        displayName: of.title,
        displayOption: 'FitToPage',
        ...page,
      },
    ],
    ...visuals.map(({ name, place, visual }, order): [string, object] => [
      `pages/${of.name}/visuals/${name}/visual.json`,
      {
        $schema: `${schemas}/visualContainer/2.0.0/schema.json`,
        name,
        position: { ...place, z: order, tabOrder: order },
        visual,
      },
    ]),
  ]
}

/** Slicers at the left, cards in a row on top, charts two by two below. */
function visualsOf({ name, cards, charts }: ReportPage) {
  const left = 180
  const top = 110
  const width = (page.width - left - margin * (cards.length + 1)) / cards.length
  const half = {
    width: (page.width - left - margin * 3) / 2,
    height: (page.height - top - margin * 4) / 2,
  }
  return [
    ...slicers.map(({ title, column }, no) => ({
      name: `${name}_slicer_${no + 1}`,
      place: { x: margin, y: margin + no * 220, width: left - margin, height: 204 },
      visual: visual('slicer', { Values: [columnField(column)] }, title),
    })),
    ...cards.map((measure, no) => ({
      name: `${name}_card_${no + 1}`,
      place: { x: left + margin + no * (width + margin), y: margin, width, height: top },
      visual: visual('card', { Values: [measureField(measure)] }, measure),
    })),
    ...charts.map((chart, no) => ({
      name: `${name}_chart_${no + 1}`,
      place: placeOf(no, { left: left + margin, top: top + 2 * margin, ...half }),
      visual: chartVisual(chart),
    })),
  ]
}

function placeOf(
  no: number,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
): Place {
  const x = left + (no % 2) * (width + margin)
  return { x, y: top + Math.floor(no / 2) * (height + margin), width, height }
}

const chartTypes = {
  bar: 'clusteredBarChart',
  column: 'clusteredColumnChart',
  line: 'lineChart',
} as const

function chartVisual(chart: Chart) {
  const values = chart.values.map(measureField)
  return chart.kind === 'table'
    ? visual('tableEx', { Values: [...chart.by.map(columnField), ...values] }, chart.title)
    : visual(chartTypes[chart.kind], { Category: [columnField(chart.by)], Y: values }, chart.title)
}

/** A visual with the fields of each of its roles. */
function visual(visualType: string, roles: Record<string, readonly object[]>, title: string) {
  const literal = (value: string) => ({ expr: { Literal: { Value: value } } })
  return {
    visualType,
    query: {
      queryState: Object.fromEntries(
        Object.entries(roles).map(([role, projections]) => [role, { projections }]),
      ),
    },
    visualContainerObjects: {
      title: [
        {
          properties: {
            show: literal('true'),
            text: literal(`'${title.replaceAll("'", "''")}'`),
          },
        },
      ],
    },
    drillFilterOtherVisuals: true,
  }
}

function columnField(name: string) {
  const [table = '', column = ''] = name.split('.')
  return field('Column', table, column)
}

function measureField(name: string) {
  return field('Measure', measureTable, name)
}

function field(kind: 'Column' | 'Measure', table: string, name: string) {
  return {
    field: { [kind]: { Expression: { SourceRef: { Entity: table } }, Property: name } },
    queryRef: `${table}.${name}`,
    nativeQueryRef: name,
  }
}
