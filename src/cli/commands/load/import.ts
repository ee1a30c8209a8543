import { loadConfig } from '../../../config.ts'
import type { DateOrder } from '../../../csv/cell/dates.ts'
import { exitCodes } from '../../../exit-codes.ts'
import { importFiles } from '../../../pipeline/import/import-files.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { renderImport } from '../../text/files/imported-files.ts'
import { type LoadContext, type MetricsFlag, withRunContext } from '../../with-warehouse.ts'

export type ImportFlags = JsonFlag &
  MetricsFlag & {
    readonly account?: string
    readonly dateOrder?: DateOrder
    readonly asOf?: string
    readonly complete?: true
  }

/** Loads files that were downloaded from Partner Center. */
export async function importAll(
  paths: readonly string[],
  { json, complete, metricsFile, ...flags }: ImportFlags,
) {
  const use = async (context: LoadContext) => {
    const request = { ...flags, paths, standardInput: process.stdin, isComplete: complete }
    const result = await importFiles(context, request)
    printResult(json, { ...result, warehouse: context.place }, () => renderImport(result))
    const isWhole = result.bad_cells === 0 && result.quarantined_rows === 0
    if (!isWhole) process.exitCode = exitCodes.incomplete.code
  }
  const watched = { command: 'import', metricsFile }
  await withRunContext(loadConfig(), use, { watched })
}
