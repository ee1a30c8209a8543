import { notProvided, type Staged } from './staged-rows.ts'

/** Every rule that one referral can break by itself, and how much it matters. */
const severities = {
  acv_below_minimum: 'info',
  contract_end_before_start: 'warn',
  contract_sign_date_in_future: 'warn',
  contract_signed_before_creation: 'warn',
  contract_start_too_early: 'warn',
  duplicate_policy: 'warn',
  enum_case_variant: 'info',
  implausible_date: 'warn',
  marketplace_date_missing: 'warn',
  mixed_currency: 'warn',
  more_than_one_registration: 'info',
  negative_duration: 'warn',
  negative_value: 'warn',
  not_deployed_on_azure: 'warn',
  perpetual_with_end_date: 'warn',
  registered_too_late: 'warn',
  registration_status_mismatch: 'warn',
  short_contract: 'info',
  solution_value_above_contract_value: 'warn',
  status_substatus_not_allowed: 'warn',
  status_transition_not_allowed: 'warn',
  unmapped_property: 'info',
  value_rounded: 'info',
  version_not_readable: 'warn',
  won_too_soon: 'warn',
  zero_value: 'warn',
} as const

export type RuleCode = keyof typeof severities
export const ruleCodes = Object.keys(severities) as readonly RuleCode[]

export interface Finding {
  rule: RuleCode
  itemRef: string
  detail: string
  observed: string | null
}

/**
 * What is odd about one version of a referral. A value observed is a documented word, a number or a
 * date, never a name or other free text.
 */
export class Findings {
  readonly found: Finding[] = []
  /** Values of enums that are not documented: enum name, parent value, value. */
  readonly undocumented: (readonly [string, string, string])[] = []

  add(rule: RuleCode, itemRef: string, detail: string, observed: string | null = null): void {
    for (const finding of this.found) {
      if (finding.rule !== rule || finding.itemRef !== itemRef) continue
      // One row for a rule and an item; the smaller value, so that order cannot matter.
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
    severity: severities[rule],
    detail,
    observed_value: observed,
  }
}

/**
 * The documented spelling of a value of an enum. What is not documented stays as it is and is noted;
 * a missing value is `(Not provided)`.
 */
export function spelled(
  enums: ReadonlyMap<string, ReadonlyMap<string, string>>,
  findings: Findings,
  enumName: EnumName,
  value: string | null,
  itemRef: string,
  parent = '',
): string {
  if (value === null) return notProvided
  const documented = enums.get(enumName)
  if (documented === undefined) return value
  const spelling = documented.get(value.toLowerCase())
  if (spelling === value) return value
  if (spelling !== undefined) {
    findings.add('enum_case_variant', itemRef, `${enumName} in another case than documented`, value)
    return spelling
  }
  findings.undocumented.push([enumName, parent, value])
  return value
}

/** Names under which the catalog of values keeps the documented enums and value lists. */
export type EnumName =
  | 'CallToAction'
  | 'ContractTerm'
  | 'CustomerMarketplaceIntent'
  | 'CustomerSize'
  | 'Industries'
  | 'PartnerRole'
  | 'PricingModel'
  | 'PrimaryDeploymentOn'
  | 'Products'
  | 'ReferralQualification'
  | 'ReferralSource'
  | 'ReferralStatus'
  | 'ReferralSubstatus'
  | 'ReferralType'
  | 'RegistrationStatus'
  | 'RegistrationType'
  | 'Services'
  | 'SolutionArea'
  | 'SolutionPlay'
  | 'SolutionType'
  | 'TargetType'
