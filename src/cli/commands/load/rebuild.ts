import { loadConfig } from '../../../config.ts'
import { diffRebuild } from '../../../pipeline/diff/diff.ts'
import { rebuild } from '../../../pipeline/rebuild.ts'
import type { JsonFlag } from '../../output.ts'
import {
  type LoadContext,
  type MetricsFlag,
  printDifference,
  printRun,
  type WorkerFlags,
  withRunContext,
} from '../../with-warehouse.ts'

export type RebuildFlags = JsonFlag & MetricsFlag & WorkerFlags & { readonly diff?: true }

/** Replays the landing zone of every account, or tells what that would change. */
export function rebuildAll({ json, metricsFile, diff, ...side }: RebuildFlags) {
  const use = async (context: LoadContext) => {
    if (diff) printDifference(json, context.place, await diffRebuild(context))
    else await printRun(json, context.place, rebuild(context))
  }
  const watched = { command: 'rebuild', metricsFile }
  return withRunContext(loadConfig(), use, diff ? { isTrial: true } : { watched, side })
}
