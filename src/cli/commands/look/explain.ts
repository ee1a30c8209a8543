import { loadConfig } from '../../../config.ts'
import { explainReferral } from '../../../explain/explain.ts'
import { findReferral } from '../../../explain/find-referral.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderExplanation } from '../../text/look/explain.ts'
import { withWarehouse } from '../../with-warehouse.ts'

export type ExplainFlags = JsonFlag & { readonly account?: string; readonly people?: true }

/** Prints how the amounts of a referral came about. */
export function explain(referralId: string, { json, account, people }: ExplainFlags) {
  const show = async ({ query }: OpenWarehouse) => {
    const found = await findReferral(query, { referralId, account })
    const explanation = await explainReferral(query, found, { withPeople: people === true })
    printAnswer(json, { status: 'ok', explanation }, (style) =>
      renderExplanation(explanation, style),
    )
  }
  return withWarehouse(loadConfig(), show, { isWriting: false })
}
