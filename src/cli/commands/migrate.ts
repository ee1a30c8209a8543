import { type Command, Option } from 'commander'
import { loadConfig } from '../../config.ts'
import { isRowSecured, lackingAccess } from '../../warehouse/access/grants.ts'
import { countMapped, switchRowSecurity } from '../../warehouse/access/switch-row-security.ts'
import type { SchemaChange } from '../../warehouse/migrate/migrate.ts'
import type { OpenWarehouse } from '../../warehouse/open.ts'
import { command, examples } from '../help.ts'
import { type JsonFlag, say } from '../output.ts'
import { withWarehouse } from '../with-warehouse.ts'

type MigrateFlags = JsonFlag & { readonly rowLevelSecurity?: 'on' | 'off' }

/** Schema, views and rights; the first thing to do with a database of one's own. */
export function addMigrate(program: Command) {
  command(
    program,
    'migrate',
    'Bring schema, views and rights up to date; run, rebuild and demo do it too.',
  )
    .addOption(
      new Option(
        '--row-level-security <switch>',
        'let readers see only the accounts that etl.bi_access gives them, from now on',
      ).choices(['on', 'off']),
    )
    .addHelpText(
      'after',
      examples('cosell migrate', 'cosell migrate --json', 'cosell migrate --row-level-security on'),
    )
    .action(({ json, rowLevelSecurity }: MigrateFlags) =>
      withWarehouse(loadConfig(), (warehouse, change) =>
        tellOfMigration(json, rowLevelSecurity, warehouse, change),
      ),
    )
}

async function tellOfMigration(
  json: true | undefined,
  wanted: MigrateFlags['rowLevelSecurity'],
  { query }: OpenWarehouse,
  { applied, views, lacking }: SchemaChange,
) {
  if (wanted !== undefined) await switchRowSecurity(query, wanted === 'on')
  const statements = wanted === undefined ? lacking : await lackingAccess(query)
  const isOn = await isRowSecured(query)
  const isMapEmpty = wanted === 'on' && (await countMapped(query)) === 0
  const result = {
    status: 'migrated',
    applied,
    views,
    row_level_security: isOn ? 'on' : 'off',
    statements,
  }
  say(json, result, () => {
    const done = applied.length === 0 ? 'already up to date' : `now has ${applied.join(', ')}`
    const lines = [`The schema is ${done}.`]
    if (views.length > 0) lines.push(`Views that changed: ${views.join(', ')}.`)
    if (wanted !== undefined) lines.push(`Row-level security is ${isOn ? 'on' : 'off'}.`)
    if (isMapEmpty) {
      lines.push('No reader sees a row: etl.bi_access gives no role an account yet.')
    }
    if (statements.length > 0) {
      lines.push(
        '',
        'This role could not finish the groups and their rights. Let an administrator run, in this database:',
        '',
        ...statements,
      )
    }
    return lines.join('\n')
  })
}
