import type { Connection } from '../connection.ts'
import type { Dictionary } from '../dictionary.ts'
import type { Measure } from '../measures/measure.ts'
import { toYaml, type YamlValue } from '../render/yaml.ts'
import { stableId } from '../stable-id.ts'
import { type Chart, dashboardRows, supersetCharts } from './charts.ts'
import { supersetDatasets } from './datasets.ts'

const databaseId = stableId('superset database')
/** Login of BI tools; Superset asks for the password that this stands for. */
const hiddenPassword = 'XXXXXXXXXX'

/**
 * Returns the files of a bundle for Apache Superset, by name: a database, a dataset for each mart,
 * charts and a dashboard. Identities follow from names, so a newer bundle replaces an older one.
 */
export function supersetBundle(
  dictionary: Dictionary,
  measures: readonly Measure[],
  connection: Connection & { readonly user: string },
): Record<string, string> {
  const datasets = supersetDatasets(dictionary, measures, databaseId)
  const rows = dashboardRows.map((row) => supersetCharts(row, measures, datasets))
  const files: Record<string, YamlValue> = {
    // The import of dashboards takes no other kind; `import-directory` does not look at it.
    'metadata.yaml': {
      version: '1.0.0',
      type: 'Dashboard',
      timestamp: '2026-01-01T00:00:00+00:00',
    },
    'databases/cosell.yaml': {
      database_name: 'cosell',
      sqlalchemy_uri: sqlalchemyUri(connection),
      expose_in_sqllab: true,
      allow_run_async: false,
      allow_ctas: false,
      allow_cvas: false,
      allow_dml: false,
      extra: {},
      uuid: databaseId,
      version: '1.0.0',
    },
    ...Object.fromEntries(
      datasets.map(({ name, yaml }) => [`datasets/cosell/${name}.yaml`, yaml] as const),
    ),
    ...Object.fromEntries(
      rows.flat().map(({ title, yaml }) => [`charts/${fileName(title)}.yaml`, yaml] as const),
    ),
    'dashboards/co_sell.yaml': dashboard(rows),
  }
  return Object.fromEntries(Object.entries(files).map(([name, yaml]) => [name, toYaml(yaml)]))
}

/**
 * SQLAlchemy 1.4, which Superset has, decodes the user but not a database in the path; 2.1 decodes
 * both. As a parameter, either decodes it.
 */
function sqlalchemyUri({ server, database, user }: Connection & { readonly user: string }): string {
  const place = /^[\w.-]+$/.test(database)
    ? `/${database}`
    : `/?dbname=${encodeURIComponent(database)}`
  return `postgresql+psycopg2://${encodeURIComponent(user)}:${hiddenPassword}@${server}${place}`
}

function dashboard(rows: readonly (readonly Chart[])[]): YamlValue {
  const rowIds = rows.map((_, index) => `ROW-${index + 1}`)
  const charts = rows.flat()
  const places = rows.flatMap((row, index) =>
    row.map((chart) => {
      const [width, height] = chart.size
      // Superset refuses a chart without a number, and gives it another one.
      const chartId = charts.indexOf(chart) + 1
      const place = {
        type: 'CHART',
        id: `CHART-${chart.id}`,
        children: [],
        parents: ['ROOT_ID', 'GRID_ID', rowIds[index] ?? ''],
        meta: { chartId, uuid: chart.id, sliceName: chart.title, width, height },
      }
      return [place.id, place] as const
    }),
  )
  return {
    dashboard_title: 'Co-sell',
    description: 'Pipeline, won business, annual contract value and data quality.',
    slug: 'cosell',
    published: true,
    uuid: stableId('superset dashboard'),
    position: {
      DASHBOARD_VERSION_KEY: 'v2',
      ROOT_ID: { type: 'ROOT', id: 'ROOT_ID', children: ['GRID_ID'] },
      GRID_ID: { type: 'GRID', id: 'GRID_ID', children: rowIds, parents: ['ROOT_ID'] },
      HEADER_ID: { type: 'HEADER', id: 'HEADER_ID', meta: { text: 'Co-sell' } },
      ...Object.fromEntries(
        rows.map((row, index) => [
          rowIds[index] ?? '',
          {
            type: 'ROW',
            id: rowIds[index] ?? '',
            children: row.map(({ id }) => `CHART-${id}`),
            parents: ['ROOT_ID', 'GRID_ID'],
            meta: { background: 'BACKGROUND_TRANSPARENT' },
          },
        ]),
      ),
      ...Object.fromEntries(places),
    },
    metadata: { refresh_frequency: 0, cross_filters_enabled: true },
    version: '1.0.0',
  }
}

function fileName(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z]+/g, '_')
}
