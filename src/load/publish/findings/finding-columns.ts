import { sql } from 'kysely'
import { type FindingRule, findingRules } from '../../../finding-rules.ts'

/** Key of `dw.fact_finding`, and all of its columns. */
export const findingKey = ['partner_account_key', 'referral_id', 'rule_code', 'item_ref'] as const
export const findingColumns = [
  ...findingKey,
  ...(['severity', 'detail', 'observed_value', 'first_seen_run_id', 'last_seen_run_id'] as const),
] as const

/** Columns of a select list that are the same in all findings of a rule. */
export const columnsOfRule = (rule: FindingRule) => ({
  ruleCode: sql.lit<string>(rule).as('rule_code'),
  severity: sql.lit<string>(findingRules[rule].severity).as('severity'),
})

/** Values that an upsert puts in the place of those that a finding had. */
export const asFoundNow = {
  severity: sql<string>`excluded.severity`,
  detail: sql<string>`excluded.detail`,
  observed_value: sql<string | null>`excluded.observed_value`,
  last_seen_run_id: sql<number>`excluded.last_seen_run_id`,
}

/** Condition: a finding `old` is about the referral `k`. */
export const isAboutReferral = sql`old.partner_account_key = k.partner_account_key
        and old.referral_id = k.referral_id`
