import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { makeFolders } from '../../../make-folders.ts'
import { renderReport } from '../../../report/page/report-page.ts'
import { type ReportRequest, readReport } from '../../../report/queries/read-report.ts'
import type { Warehouse } from '../../../warehouse/connection/database.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, log, printResult } from '../../output.ts'
import { withWarehouse } from '../../with-warehouse.ts'

export type ReportFlags = JsonFlag & {
  readonly out?: string
  readonly account?: string
  readonly asOf?: string
}

/** Writes the HTML report. */
export function drawReport({ json, out, account, asOf }: ReportFlags) {
  const config = loadConfig()
  const write = async (warehouse: OpenWarehouse) => {
    const file = out === undefined ? defaultReport(config) : resolve(out)
    log.progress({ phase: 'drawing the report' })
    const request = { account, isAsOf: asOf !== undefined }
    const bytes = await writeReport(warehouse, file, new Date(), asOf, request)
    printResult(json, { status: 'written', file, bytes }, () => `The report is in ${file}`)
  }
  return withWarehouse(config, write, { isWriting: false })
}

export function defaultReport({ home }: Pick<Config, 'home'>): string {
  return join(home, 'report.html')
}

/** Deals and their values are for whoever may read the warehouse: the file is its owner's alone. */
const ownerOnly = 0o600

/**
 * Writes the report for the business of `day` and returns its size in bytes. The file is renamed
 * into place, so a reader never gets half of it.
 *
 * @throws CosellError `configuration` when the file cannot be written, `usage` for an unknown account
 * or a day to come.
 */
export async function writeReport(
  { query }: Pick<Warehouse, 'query'>,
  file: string,
  now: Date,
  day?: string,
  request?: ReportRequest,
): Promise<number> {
  const page = renderReport(await readReport(query, now, day, request))
  const draft = `${file}.${process.pid}.draft`
  try {
    makeFolders(dirname(file))
    await writeFile(draft, page, { mode: ownerOnly })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    const reason = error instanceof Error ? error.message : String(error)
    const text =
      `Cannot write the report to ${file}: ${reason}. Let this account write there, or name another ` +
      'file: `cosell report --out FILE`.'
    throw new CosellError('report.not_written', text, { cause: error })
  }
  return Buffer.byteLength(page)
}
