import { loadConfig } from '../../../config.ts'
import { loadRateFile } from '../../../exchange-rates/load-file.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { renderRates } from '../../text/exchange-rates.ts'
import { announce, withWarehouse } from '../../with-warehouse.ts'

export type FxFlags = JsonFlag & { readonly carryDays?: number }

/** Loads the exchange rates of a file, or of standard input for `-`. */
export function loadRatesOf(path: string, { json, carryDays }: FxFlags) {
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
}
