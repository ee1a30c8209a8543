import { type FindingRule, findingRules } from '../finding-rules.ts'
import type { Staged } from './staged-rows.ts'

export interface Finding {
  rule: FindingRule
  itemRef: string
  detail: string
  observed: string | null
}

/**
 * Findings about one version of a referral. An observed value is a documented word, a number or a
 * date, never a name or other free text.
 */
export class Findings {
  readonly found: Finding[] = []
  /** Undocumented enum values: enum name, parent value, value. */
  readonly undocumented: (readonly [string, string, string])[] = []

  add(rule: FindingRule, itemRef: string, detail: string, observed: string | null = null): void {
    for (const finding of this.found) {
      if (finding.rule !== rule || finding.itemRef !== itemRef) continue
      // One row a rule and item, with the smallest value, so that order cannot matter.
      if (observed !== null && (finding.observed === null || observed < finding.observed)) {
        finding.observed = observed
      }
      return
    }
    this.found.push({ rule, itemRef, detail, observed })
  }
}

export function findingRow(
  accountKey: number,
  referralNo: number,
  referralId: string,
  { rule, itemRef, detail, observed }: Finding,
): Staged<'stg.dq_finding'> {
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    referral_id: referralId,
    rule_code: rule,
    item_ref: itemRef,
    severity: findingRules[rule].severity,
    detail,
    observed_value: observed,
  }
}
