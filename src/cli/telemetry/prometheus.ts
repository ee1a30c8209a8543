import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Gauge, Registry } from 'prom-client'
import { makeFolders } from '../../make-folders.ts'
import { commandPrefix, metrics, type Sample } from './samples.ts'

/** Returns samples in Prometheus' text format. A metric without a sample is left out. */
export function prometheusText(samples: readonly Sample[]): Promise<string> {
  const registry = new Registry()
  const gauges = new Map<string, Gauge>()
  for (const { metric, labels, value } of samples) {
    const labelNames = Object.keys(labels)
    // One that exists without a value would be written as 0.
    const gauge =
      gauges.get(metric) ??
      new Gauge({ name: metric, help: metrics[metric], labelNames, registers: [registry] })
    gauges.set(metric, gauge)
    gauge.set(labels, value)
  }
  return registry.metrics()
}

/**
 * Writes a file for the textfile collector, renamed into place, so that a reader never gets half of it.
 * Without `isStateKnown` what the last file says of the warehouse stays: the age of the last success
 * goes on growing while the database is down.
 */
export async function writeMetricsFile(
  file: string,
  samples: readonly Sample[],
  isStateKnown: boolean,
): Promise<void> {
  const before = isStateKnown ? '' : stateLines(await readFile(file, 'utf8').catch(() => ''))
  // The collector reads names that end with .prom.
  const draft = `${file}.${process.pid}.draft`
  try {
    makeFolders(dirname(file))
    await writeFile(draft, before + (await prometheusText(samples)))
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

/** Lines of our metrics that are of the accounts, not of a command and its runs. */
export function stateLines(text: string): string {
  const lines = text.split('\n').filter((line) => {
    const [, name = ''] = /^(?:# (?:HELP|TYPE) )?(\w+)/.exec(line) ?? []
    const isOfCommand = name.startsWith(commandPrefix) || name.startsWith('cosell_run_')
    return name.startsWith('cosell_') && !isOfCommand
  })
  return lines.map((line) => `${line}\n`).join('')
}
