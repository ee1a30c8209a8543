import path from 'node:path'
import { loadConfig } from '../../../config.ts'
import { exportTables } from '../../../export/export-tables.ts'
import { type ExportFormat, manifestName } from '../../../export/manifest.ts'
import { biLogin, groups } from '../../../warehouse/access/roles.ts'
import { openToBi } from '../../../warehouse/bi-connection.ts'
import { databaseFailure } from '../../../warehouse/connection/database.ts'
import { bringUpToDate } from '../../../warehouse/migrate/migrate.ts'
import { type OpenWarehouse, openWarehouse } from '../../../warehouse/open.ts'
import { abortController, type JsonFlag, log, printResult } from '../../output.ts'

export type ExportFlags = JsonFlag & {
  readonly format: ExportFormat
  readonly table?: readonly string[]
  readonly account?: string
  readonly since?: string
  readonly people?: true
}

/** Exports the marts as files. */
export async function exportAll(out: string, flags: ExportFlags) {
  const folder = path.resolve(out)
  const { format, table: tables = [], account, since, people: withPeople = false } = flags
  log.progress({ phase: 'opening the warehouse' })
  const warehouse = await openWarehouse(loadConfig(), log.logger)
  try {
    const role = await readerOf(warehouse, withPeople)
    const request = { folder, format, tables, account, since, withPeople, role }
    const { files } = await exportTables(warehouse.query, request, log, abortController.signal)
    const rows = files.reduce((sum, file) => sum + file.rows, 0)
    const names = files.map(({ file }) => file)
    const result = { status: 'written', folder, manifest: manifestName, files: names, rows }
    printResult(flags.json, result, () =>
      [
        `Exported ${rows.toLocaleString('en-US')} rows in ${names.length} files to ${folder}. What they hold:`,
        `  ${path.join(folder, manifestName)}`,
      ].join('\n'),
    )
  } catch (error) {
    throw databaseFailure(error)
  } finally {
    await warehouse.close()
  }
}

/**
 * Returns the role to read as; undefined for the login itself, on a server of the user's own, where
 * it need not be one that could migrate. On the embedded server, where commands are the superuser,
 * it is the login for BI tools, or the group that may read people.
 */
async function readerOf(
  warehouse: OpenWarehouse,
  withPeople: boolean,
): Promise<string | undefined> {
  if (warehouse.embedded === undefined) return undefined
  await bringUpToDate(warehouse.query)
  await openToBi(warehouse)
  return withPeople ? groups.pii : biLogin
}
