import { loadConfig } from '../../../config.ts'
import { rebuild } from '../../../pipeline/rebuild.ts'
import type { JsonFlag } from '../../output.ts'
import { printRun, withRunContext } from '../../with-warehouse.ts'

/** Replays the landing zone of every account. */
export function rebuildAll({ json }: JsonFlag) {
  return withRunContext(loadConfig(), async (context) => {
    printRun(json, context.place, await rebuild(context))
  })
}
