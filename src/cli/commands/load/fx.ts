import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { loadRateFile } from '../../../exchange-rates/load-file.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { renderRates } from '../../text/exchange-rates.ts'
import { announce, withWarehouse } from '../../with-warehouse.ts'

/** Adds the command that loads exchange rates. */
export function addFx(program: Command) {
  addCommand(program, 'fx', 'Load exchange rates from a CSV file, for the converted columns.')
    .argument('<file>', 'the file, or - for standard input')
    .addHelpText(
      'after',
      examples('cosell fx eurofxref-hist.csv', 'cosell fx - --json < rates.csv'),
    )
    .addHelpText('after', fileHelp)
    .action((path: string, { json }: JsonFlag) => {
      const config = loadConfig()
      const place = announce(config)
      return withWarehouse(config, async ({ query }) => {
        const target = { query, reportingCurrency: config.reportingCurrency }
        const file = { path, standardInput: process.stdin, now: new Date() }
        const summary = await loadRateFile(target, file)
        printResult(json, { ...summary, warehouse: place }, () => renderRates(summary))
      })
    })
}

const fileHelp = `

The header decides which of two kinds of files it is:
  Date,USD,JPY,…      the ECB's history of euro reference rates; it comes as eurofxref-hist.zip:
                      unzip it first
  currency,date,rate  what one unit of the currency is worth in the reporting currency on that day;
                      takes precedence over the ECB's rate of the same currency and day

A file is loaded whole or not at all. A day without a rate uses the last one before it, at most
fx_rate_days_max of etl.setting (7) days old. Loaded rates stay when the reporting currency changes;
a currency,date,rate file then counts only on days for which it has the new currency.`
