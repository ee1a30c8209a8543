import type { Connection } from '../connection.ts'
import { stableId } from '../stable-id.ts'
import type { Model } from './model.ts'
import { reportFiles } from './report.ts'
import { tmdlFiles } from './tmdl.ts'

const schemas = 'https://developer.microsoft.com/json-schemas/fabric'
const name = 'cosell'

/**
 * Renders a project of Power BI Desktop, by the names of its files: the semantic model and a report
 * on it. `cosell.pbip` is the file to open.
 */
export function powerBiProject(model: Model, connection: Connection): Record<string, string> {
  const semanticModel = `${name}.SemanticModel`
  const report = `${name}.Report`
  const json = (file: object) => `${JSON.stringify(file, null, 2)}\n`
  const below = (folder: string, files: Record<string, string>) =>
    Object.fromEntries(Object.entries(files).map(([file, text]) => [`${folder}/${file}`, text]))
  const platform = (type: 'Report' | 'SemanticModel') =>
    json({
      $schema: `${schemas}/gitIntegration/platformProperties/2.0.0/schema.json`,
      metadata: { type, displayName: name },
      config: { version: '2.0', logicalId: stableId(type) },
    })
  return {
    [`${name}.pbip`]: json({
      $schema: `${schemas}/pbip/pbipProperties/1.0.0/schema.json`,
      version: '1.0',
      artifacts: [{ report: { path: report } }],
      settings: { enableAutoRecovery: true },
    }),
    [`${semanticModel}/.platform`]: platform('SemanticModel'),
    [`${semanticModel}/definition.pbism`]: json({
      $schema: `${schemas}/item/semanticModel/definitionProperties/1.0.0/schema.json`,
      version: '4.2',
      settings: {},
    }),
    ...below(`${semanticModel}/definition`, tmdlFiles(model, connection)),
    [`${report}/.platform`]: platform('Report'),
    [`${report}/definition.pbir`]: json({
      $schema: `${schemas}/item/report/definitionProperties/2.0.0/schema.json`,
      version: '4.0',
      datasetReference: { byPath: { path: `../${semanticModel}` } },
    }),
    ...below(
      `${report}/definition`,
      Object.fromEntries(
        Object.entries(reportFiles()).map(([file, content]) => [file, json(content)]),
      ),
    ),
  }
}
