import { type Measure, measureNamed } from '../measures/measure.ts'
import type { MeasureName } from '../measures/measures.ts'
import type { YamlValue } from '../render/yaml.ts'
import { stableId } from '../stable-id.ts'
import { type Dataset, formatOf } from './datasets.ts'

/** What the dashboard shows: a figure alone, or figures by a column. */
interface ChartPlan {
  readonly title: string
  readonly measures: readonly MeasureName[]
  /** Column that cuts the figures; a day makes columns over time. */
  readonly by?: string
  /** Condition in SQL, which leaves out groups that have nothing. */
  readonly where?: string
  /** Column whose values are stacked. */
  readonly stack?: string
  readonly kind: 'figure' | 'columns' | 'time' | 'table'
  /** Width and height in the grid of the dashboard, which has twelve columns. */
  readonly size: readonly [width: number, height: number]
}

/** Rows of the dashboard. Amounts are converted ones: other currencies do not add up. */
export const dashboardRows: readonly (readonly ChartPlan[])[] = [
  [
    figure('Open pipeline', 'Open pipeline, converted'),
    figure('Won value', 'Won value, converted'),
    figure('Win rate', 'Win rate'),
    figure('Contract ACV', 'Contract ACV, converted'),
  ],
  [
    {
      title: 'Open pipeline by stage',
      measures: ['Open deals', 'Open pipeline, converted'],
      by: 'stage_label',
      where: 'is_open',
      kind: 'table',
      size: [4, 50],
    },
    {
      title: 'Open pipeline at month ends',
      measures: ['Pipeline at month end, converted'],
      by: 'snapshot_date',
      where: 'is_open',
      stack: 'stage_label',
      kind: 'time',
      size: [8, 50],
    },
  ],
  [
    {
      title: 'Won value by fiscal quarter',
      measures: ['Won value, converted'],
      by: 'closed_fiscal_quarter',
      where: 'is_won',
      kind: 'columns',
      size: [6, 50],
    },
    {
      title: 'Scheduled value by fiscal year',
      measures: ['Scheduled value, converted'],
      by: 'period_start_fiscal_year',
      where: 'period_start_fiscal_year is not null',
      kind: 'columns',
      size: [6, 50],
    },
  ],
  [
    {
      title: 'Registrations by state',
      measures: ['Registrations', 'Median days to approval', 'Contract ACV, converted'],
      by: 'registration_status',
      kind: 'table',
      size: [6, 50],
    },
    {
      title: 'Open findings by rule',
      measures: ['Findings'],
      by: 'rule_code',
      kind: 'table',
      size: [6, 50],
    },
  ],
]

function figure(title: string, measure: MeasureName): ChartPlan {
  return { title, measures: [measure], kind: 'figure', size: [3, 18] }
}

/** One chart of the bundle, and its place in the grid. */
export interface Chart {
  readonly title: string
  readonly id: string
  readonly size: readonly [width: number, height: number]
  readonly yaml: YamlValue
}

/** Returns the charts of a row of the dashboard. */
export function supersetCharts(
  row: readonly ChartPlan[],
  measures: readonly Measure[],
  datasets: readonly Dataset[],
): Chart[] {
  return row.map((plan) => {
    const [first = ''] = plan.measures
    const { mart } = measureNamed(first, measures)
    const dataset = datasets.find(({ name }) => name === mart)
    if (dataset === undefined) throw new Error(`${plan.title}: expected a dataset ${mart}`)
    const id = stableId(`superset chart ${plan.title}`)
    return {
      title: plan.title,
      id,
      size: plan.size,
      yaml: {
        slice_name: plan.title,
        viz_type: vizTypes[plan.kind],
        params: paramsOf(plan, measureNamed(first, measures)),
        uuid: id,
        version: '1.0.0',
        dataset_uuid: dataset.id,
      },
    }
  })
}

const vizTypes: Readonly<Record<ChartPlan['kind'], string>> = {
  figure: 'big_number_total',
  columns: 'echarts_timeseries_bar',
  time: 'echarts_timeseries_bar',
  table: 'table',
}

function paramsOf(plan: ChartPlan, measure: Measure): YamlValue {
  const filters =
    plan.where === undefined
      ? []
      : [{ clause: 'WHERE', expressionType: 'SQL', sqlExpression: plan.where }]
  const common = { viz_type: vizTypes[plan.kind], adhoc_filters: filters }
  const [metric = ''] = plan.measures
  const format = formatOf(measure) ?? 'SMART_NUMBER'
  const by = plan.by ?? ''
  switch (plan.kind) {
    case 'figure':
      return { ...common, metric, y_axis_format: format, header_font_size: 0.3 }
    case 'table':
      return {
        ...common,
        query_mode: 'aggregate',
        groupby: [by],
        metrics: plan.measures,
        order_desc: true,
        row_limit: 1000,
      }
    default:
      return {
        ...common,
        x_axis: by,
        ...(plan.kind === 'time' ? { time_grain_sqla: 'P1D' } : {}),
        x_axis_sort_asc: true,
        ...(plan.kind === 'columns' ? { x_axis_sort: by } : {}),
        metrics: plan.measures,
        groupby: plan.stack === undefined ? [] : [plan.stack],
        ...(plan.stack === undefined ? {} : { stack: 'Stack' }),
        order_desc: true,
        row_limit: 10000,
        y_axis_format: 'SMART_NUMBER',
        show_legend: plan.stack !== undefined,
        rich_tooltip: true,
      }
  }
}
