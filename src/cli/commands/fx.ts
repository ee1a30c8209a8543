import type { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { loadRateFile } from '../../exchange-rates/load-file.ts'
import { command, examples } from '../help.ts'
import { type JsonFlag, say } from '../output.ts'
import { renderRates } from '../text/exchange-rates.ts'
import { withWarehouse } from '../with-warehouse.ts'

/** What amounts are converted with. */
export function addRates(program: Command) {
  command(program, 'fx', 'Load exchange rates from a CSV file, for the converted columns.')
    .argument('<file>', 'the file, or - for standard input')
    .addHelpText(
      'after',
      examples('cosell fx eurofxref-hist.csv', 'cosell fx - --json < rates.csv'),
    )
    .addHelpText('after', fileHelp)
    .action((path: string, { json }: JsonFlag) => {
      const config = loadConfig()
      return withWarehouse(config, async (warehouse) => {
        const request = { path, standardInput: process.stdin, now: new Date() }
        const summary = await loadRateFile({ config, warehouse }, request)
        say(json, summary, () => renderRates(summary))
      })
    })
}

const fileHelp = `

Two kinds of files, told apart by their header:
  Date,USD,JPY,…      the ECB's history of euro reference rates; it comes as eurofxref-hist.zip:
                      unzip it first
  currency,date,rate  what one unit of the currency is worth in the reporting currency, on that day;
                      these go before the ECB's of the same currency and day

All of a file is loaded or nothing. Days without a rate take the last one, fx_rate_days_max of
etl.setting (7) days old at most. What is loaded stays when the reporting currency changes; a
currency,date,rate file then serves only where it has the new one on the same day.`
