import type { Findings } from './findings.ts'
import { notProvided } from './staged-rows.ts'

/**
 * Returns the documented spelling of an enum value. An undocumented value stays as it is and is
 * noted in the findings; a missing value becomes `(Not provided)`.
 */
export function canonicalEnumValue(
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
