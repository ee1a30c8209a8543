import type { Version } from '../context.ts'
import { policiesProperty } from '../parse/policies-property.ts'
import type { Staged } from '../staged-rows.ts'
import { utcDate } from '../values/dates.ts'
import { compareText } from '../values/text.ts'

type EligibilityRow = Staged<'stg.fact_registration_eligibility'>

const listSeparator = ' | '

/** One row a policy, in the order of their names. The entity has no timestamp. */
export function eligibilityRows(version: Version): EligibilityRow[] {
  const { accountKey, referralNo, referral, policiesAt, findings } = version
  const policies = referral.registrationEligibilityPolicies
  if (policies.length === 0) return []
  const rows: EligibilityRow[] = []
  for (const { policyName, isEligible, referralProperties, additionalProperties } of policies) {
    if (policyName === null) continue
    rows.push({
      partner_account_key: accountKey,
      referral_no: referralNo,
      policy_name: policyName,
      is_eligible: isEligible,
      referral_properties: referralProperties
        .map(([key, value]) => `${key}=${value}`)
        .join(listSeparator),
      additional_properties: [...new Set(additionalProperties)].sort().join(listSeparator),
      evaluated_at: policiesAt,
      evaluated_date: utcDate(policiesAt),
    })
  }
  rows.sort((left, right) => compareText(contentOf(left), contentOf(right)))
  return rows.filter((row, index) => {
    if (index === 0 || rows[index - 1]?.policy_name !== row.policy_name) return true
    findings.add('duplicate_policy', `${policiesProperty}[]`, 'a policy given twice')
    return false
  })
}

function contentOf(row: EligibilityRow): string {
  const { policy_name, is_eligible, referral_properties, additional_properties } = row
  return [policy_name, is_eligible, referral_properties, additional_properties].join('\u001f')
}
