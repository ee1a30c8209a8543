import { type Command, Option } from 'commander'
import { loadConfig } from '../../../config.ts'
import { isRowSecured } from '../../../warehouse/access/access-catalog.ts'
import { applyGrants } from '../../../warehouse/access/grants.ts'
import {
  countAccountGrants,
  switchRowSecurity,
} from '../../../warehouse/access/switch-row-security.ts'
import type { SchemaChange } from '../../../warehouse/migrate/migrate.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { renderMigration } from '../../text/migrate.ts'
import { withWarehouse } from '../../with-warehouse.ts'

type MigrateFlags = JsonFlag & { readonly rowLevelSecurity?: 'on' | 'off' }

/** Adds the command that migrates the schema and switches row-level security. */
export function addMigrate(program: Command) {
  addCommand(
    program,
    'migrate',
    'Bring schema, views and rights up to date; run, rebuild and demo do it too.',
  )
    .addOption(
      new Option(
        '--row-level-security <switch>',
        'on: readers see only the accounts that etl.bi_access gives them; stays as set',
      ).choices(['on', 'off']),
    )
    .addHelpText(
      'after',
      examples('cosell migrate', 'cosell migrate --json', 'cosell migrate --row-level-security on'),
    )
    .action((flags: MigrateFlags) =>
      withWarehouse(loadConfig(), (warehouse, change) => migrate(flags, warehouse, change)),
    )
}

/** Switches row-level security if asked to, and prints what the migration changed. */
async function migrate(
  { json, rowLevelSecurity: wanted }: MigrateFlags,
  { query }: OpenWarehouse,
  { applied, views }: SchemaChange,
) {
  if (wanted !== undefined) await switchRowSecurity(query, wanted === 'on')
  const statements = await applyGrants(query, { isClosing: true })
  const isOn = await isRowSecured(query)
  const isMapEmpty = wanted === 'on' && (await countAccountGrants(query)) === 0
  const result = {
    status: 'migrated',
    applied,
    views,
    row_level_security: isOn ? 'on' : 'off',
    statements,
  } as const
  printResult(json, result, () =>
    renderMigration(result, { isSwitched: wanted !== undefined, isMapEmpty }),
  )
}
