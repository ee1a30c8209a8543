import { loadConfig } from '../../../config.ts'
import { rebuild } from '../../../pipeline/rebuild.ts'
import type { JsonFlag } from '../../output.ts'
import {
  type LoadContext,
  type MetricsFlag,
  printRun,
  withRunContext,
} from '../../with-warehouse.ts'

export type RebuildFlags = JsonFlag & MetricsFlag

/** Replays the landing zone of every account. */
export function rebuildAll({ json, metricsFile }: RebuildFlags) {
  const use = async (context: LoadContext) => {
    printRun(json, context.place, await rebuild(context))
  }
  const watched = { command: 'rebuild', metricsFile }
  return withRunContext(loadConfig(), use, { watched })
}
