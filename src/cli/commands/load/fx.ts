import { type Command, InvalidArgumentError } from 'commander'
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
    .option('--carry-days <days>', 'days for which a rate is used until the next', parseDays)
    .addHelpText(
      'after',
      examples(
        'cosell fx eurofxref-hist.csv',
        'cosell fx monthly.csv --carry-days 30',
        'cosell fx - --json < rates.csv',
      ),
    )
    .addHelpText('after', fileHelp)
    .action((path: string, { json, carryDays }: JsonFlag & { readonly carryDays?: number }) => {
      const config = loadConfig()
      const place = announce(config)
      return withWarehouse(config, async ({ query }) => {
        const target = { query, reportingCurrency: config.reportingCurrency }
        const file = {
          path,
          standardInput: process.stdin,
          now: new Date(),
          daysCarriedMax: carryDays,
        }
        const summary = await loadRateFile(target, file)
        printResult(json, { ...summary, warehouse: place }, () => renderRates(summary))
      })
    })
}

const carryDaysMax = 366

function parseDays(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= carryDaysMax) return Number(text)
  throw new InvalidArgumentError(`expected a number of days from 0 to ${carryDaysMax}`)
}

const fileHelp = `

The header decides what kind of file it is:
  Date,USD,JPY,…      the ECB's euro reference rates: eurofxref.csv of one day, or the history
                      eurofxref-hist.csv; both come in a zip archive: unzip it first
  …,CURRENCY,CURRENCY_DENOM,…,TIME_PERIOD,OBS_VALUE
                      spot rates for the euro from the ECB's data portal
  currency,date,rate  what one unit of the currency is worth in the reporting currency on that day,
                      such as Microsoft's monthly rates; takes precedence over the ECB's rate of the
                      same currency and day

A file is loaded whole or not at all; a rate that is a hundredfold of its neighbour or of another
source is turned round, and refused. A day without a rate uses the last one before it, at most
fx_rate_days_max of etl.setting (7) days old, or as --carry-days says for the rates of this file.
A currency that joined the euro needs the rate of the euro alone. Loaded rates stay when the reporting
currency changes; a currency,date,rate file then counts only on days for which it has the new currency.`
