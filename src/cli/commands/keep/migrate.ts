import { loadConfig } from '../../../config.ts'
import { isRowSecured } from '../../../warehouse/access/access-catalog.ts'
import { applyGrants } from '../../../warehouse/access/grants.ts'
import {
  countAccountGrants,
  switchRowSecurity,
} from '../../../warehouse/access/switch-row-security.ts'
import type { SchemaChange } from '../../../warehouse/migrate/migrate.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { renderMigration } from '../../text/migrate.ts'
import { withWarehouse } from '../../with-warehouse.ts'

export type MigrateFlags = JsonFlag & { readonly rowLevelSecurity?: 'on' | 'off' }

/** Migrates the schema, and switches row-level security if asked to. */
export function migrate(flags: MigrateFlags) {
  return withWarehouse(loadConfig(), (warehouse, change) =>
    switchAndPrint(flags, warehouse, change),
  )
}

/** Switches row-level security if asked to, and prints what the migration changed. */
async function switchAndPrint(
  { json, rowLevelSecurity: wanted }: MigrateFlags,
  { query }: OpenWarehouse,
  { applied, views, sequences }: SchemaChange,
) {
  if (wanted !== undefined) await switchRowSecurity(query, wanted === 'on')
  const statements = await applyGrants(query, { isClosing: true })
  const isOn = await isRowSecured(query)
  const isMapEmpty = wanted === 'on' && (await countAccountGrants(query)) === 0
  const result = {
    status: 'migrated',
    applied,
    views,
    sequences,
    row_level_security: isOn ? 'on' : 'off',
    statements,
  } as const
  printResult(json, result, () =>
    renderMigration(result, { isSwitched: wanted !== undefined, isMapEmpty }),
  )
}
