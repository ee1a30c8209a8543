import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import { renderReport } from '../../report/page/report-page.ts'
import { readReportFigures } from '../../report/queries/read-report.ts'
import type { Warehouse } from '../../warehouse/connection/database.ts'
import { command, examples } from '../help.ts'
import { type JsonFlag, say } from '../output.ts'
import { withWarehouse } from '../with-warehouse.ts'

type ReportFlags = JsonFlag & { readonly out?: string }

/** What shows the business in the warehouse to people. */
export function addReport(program: Command) {
  command(program, 'report', 'Write one HTML page: pipeline, funnel, ACV, quality; no script.')
    .option('--out <file>', 'where to (report.html in COSELL_HOME)')
    .addHelpText('after', examples('cosell report', 'cosell report --out /srv/www/co-sell.html'))
    .action(({ json, out }: ReportFlags) => {
      const config = loadConfig()
      return withWarehouse(config, async (warehouse) => {
        const file = out === undefined ? defaultReport(config) : resolve(out)
        const bytes = await writeReport(warehouse, file, new Date())
        say(json, { status: 'written', file, bytes }, () => `The report is in ${file}`)
      })
    })
}

export function defaultReport({ home }: Pick<Config, 'home'>): string {
  return join(home, 'report.html')
}

/**
 * Writes the page, as seen on the `day`, in one move, so that whoever opens it never gets half of
 * it; returns its size.
 *
 * @throws CosellError `configuration` when the file cannot be written.
 */
export async function writeReport(
  { query }: Pick<Warehouse, 'query'>,
  file: string,
  now: Date,
  day?: string,
): Promise<number> {
  const page = renderReport(await readReportFigures(query, now, day))
  const draft = `${file}.${process.pid}.draft`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(draft, page)
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    const reason = error instanceof Error ? error.message : String(error)
    const text = `The report cannot be written to ${file}: ${reason}. Name another file with --out.`
    throw new CosellError('configuration', 'report.not_written', text, { cause: error })
  }
  return Buffer.byteLength(page)
}
