import { loadConfig } from '../../../config.ts'
import type { BackfillRequest } from '../../../extract/incremental/backfill-windows.ts'
import { backfill } from '../../../pipeline/backfill/backfill.ts'
import { planBackfill } from '../../../pipeline/backfill/backfill-plan.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderBackfillPlan } from '../../text/backfill-plan.ts'
import {
  type MetricsFlag,
  printRun,
  type WorkerFlags,
  withRunContext,
} from '../../with-warehouse.ts'

export type BackfillFlags = JsonFlag &
  MetricsFlag &
  WorkerFlags &
  BackfillRequest & { readonly plan?: true }

/** Reads history in windows, or shows them. */
export function backfillOrPlan(flags: BackfillFlags) {
  const { json, plan, metricsFile, workers, tolerate, ...request } = flags
  const side = { workers, tolerate }
  return withRunContext(
    loadConfig(),
    async (context) => {
      if (plan) {
        const planned = await planBackfill(context, request)
        printAnswer(json, planned, (style) => renderBackfillPlan(planned.accounts, style))
      } else {
        await printRun(json, context.place, backfill(context, request))
      }
    },
    {
      readsAccounts: true,
      side,
      ...(plan ? {} : { watched: { command: 'backfill', metricsFile } }),
    },
  )
}
