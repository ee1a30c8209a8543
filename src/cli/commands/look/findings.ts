import { loadConfig } from '../../../config.ts'
import { listFindings } from '../../../explain/list-findings.ts'
import type { Reader } from '../../../warehouse/reader/open-reader.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderFindings } from '../../text/look/findings.ts'
import { withReader } from '../../with-warehouse.ts'

export type FindingsFlags = JsonFlag & { readonly account?: string; readonly rule?: string }

/** Findings that are shown of each rule, and of one that is asked for. */
const shownOfEach = 3
const shownOfOne = 10_000

/** Half a million findings take some seconds. */
const timeoutMs = 5 * 60_000

/** Lists the open findings by rule. */
export function showFindings({ json, account, rule }: FindingsFlags) {
  const shownMax = rule === undefined ? shownOfEach : shownOfOne
  const show = async (reader: Reader) => {
    const request = { account, rule, shownMax }
    const rules = await reader.read((query) => listFindings(query, request), { timeoutMs })
    printAnswer(json, { status: 'ok', rules }, (style) => renderFindings(rules, style))
  }
  return withReader(loadConfig(), show)
}
