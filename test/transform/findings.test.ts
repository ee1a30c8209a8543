import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { type FindingRule, findingRules } from '../../src/finding-rules.ts'
import {
  aLine,
  aReferral,
  aRegistration,
  rowsOf,
  rowsOfVersions,
} from '../support/referral-builder.ts'

const contract = aRegistration().contract
const withContract = (changes: object) =>
  aReferral({ registrations: [aRegistration({ contract: { ...contract, ...changes } })] })
const withLine = (...changes: object[]) =>
  aReferral({ registrations: [aRegistration({ solutionDetails: changes.map(aLine) })] })
const withRegistration = (changes: object) => aReferral({ registrations: [aRegistration(changes)] })

const cases = [
  {
    rule: 'enum_case_variant',
    item: 'registrationStatus',
    observed: 'approved',
    wire: aReferral({ registrationStatus: 'approved' }),
  },
  {
    rule: 'unmapped_property',
    item: 'details.estimatedAcr',
    observed: null,
    wire: aReferral({ details: { estimatedAcr: 5 } }),
  },
  {
    rule: 'implausible_date',
    item: 'expirationDateTime',
    observed: '9999-12-31T23:59:59',
    wire: aReferral({ expirationDateTime: '9999-12-31T23:59:59.9999999Z' }),
  },
  {
    rule: 'value_rounded',
    item: 'details.dealValue',
    observed: null,
    wire: aReferral({ details: { dealValue: '1.23456' } }),
  },
  {
    rule: 'status_substatus_not_allowed',
    item: '',
    observed: 'Active / Won',
    wire: aReferral({ status: 'Active', registrations: [] }),
  },
  {
    rule: 'registration_status_mismatch',
    item: '',
    observed: 'Approved / Failed',
    wire: withRegistration({ status: 'Failed' }),
  },
  {
    rule: 'more_than_one_registration',
    item: '',
    observed: '2',
    wire: aReferral({ registrations: [aRegistration(), aRegistration({ id: 'REG-2' })] }),
  },
  {
    rule: 'contract_sign_date_in_future',
    item: 'registrations[1].contract.signDateTime',
    observed: '2025-12-12',
    wire: withContract({ signDateTime: '2025-12-12T00:00:00Z' }),
  },
  {
    rule: 'contract_signed_before_creation',
    item: 'registrations[1].contract.signDateTime',
    observed: '2025-08-31',
    wire: withContract({ signDateTime: '2025-08-31T00:00:00Z' }),
  },
  {
    rule: 'registered_too_late',
    item: 'registrations[1]',
    observed: '61',
    wire: withContract({ signDateTime: '2025-10-10T00:00:00Z' }),
  },
  {
    rule: 'contract_start_too_early',
    item: 'registrations[1].contract.startDateTime',
    observed: '91',
    wire: withContract({ startDateTime: '2025-09-10T00:00:00Z' }),
  },
  {
    rule: 'contract_end_before_start',
    item: 'registrations[1].contract.endDateTime',
    observed: '2025-11-30',
    wire: withContract({ endDateTime: '2025-11-30T00:00:00Z' }),
  },
  {
    rule: 'short_contract',
    item: 'registrations[1].contract',
    observed: '29',
    wire: withContract({ endDateTime: '2025-12-29T00:00:00Z' }),
  },
  {
    rule: 'perpetual_with_end_date',
    item: 'registrations[1].contract.endDateTime',
    observed: '2028-11-30',
    wire: withContract({ term: 'Perpetual' }),
  },
  {
    rule: 'solution_value_above_contract_value',
    item: 'registrations[1]',
    observed: '120000.01',
    wire: withLine({ value: '120000.01' }),
  },
  {
    rule: 'mixed_currency',
    item: 'registrations[1]',
    observed: 'USD',
    wire: withLine({ currency: 'EUR' }),
  },
  {
    rule: 'zero_value',
    item: 'registrations[1].solutionDetails[1].value',
    observed: '0',
    wire: withLine({ value: 0 }),
  },
  {
    rule: 'negative_value',
    item: 'registrations[1].contract.value',
    observed: '-5',
    wire: withContract({ value: -5 }),
  },
  {
    rule: 'negative_value',
    item: 'details.dealValue',
    observed: '-5',
    wire: aReferral({ details: { dealValue: -5 } }),
  },
  {
    rule: 'object_instead_of_list',
    item: 'team',
    observed: null,
    wire: { ...aReferral(), team: { email: 'kim@example.com' } },
  },
  {
    rule: 'time_without_zone',
    item: 'expirationDateTime',
    observed: null,
    wire: aReferral({ expirationDateTime: '2026-01-01' }),
  },
  {
    rule: 'unreadable_value',
    item: 'details.dealValue',
    observed: null,
    wire: aReferral({ details: { dealValue: '12,5' } }),
  },
  {
    rule: 'unknown_country',
    item: 'customerProfile.address.country',
    observed: 'ATLANTIS',
    wire: aReferral({ customerProfile: { address: { country: 'Atlantis' } } }),
  },
  {
    rule: 'unknown_solution_category',
    item: 'details.requirements.solutions[]',
    observed: 'Alchemy',
    wire: aReferral({
      details: { requirements: { solutions: [{ id: 'Alchemy', type: 'Category' }] } },
    }),
  },
  {
    rule: 'unknown_solution_type',
    item: 'registrations[1].solutionDetails[1].solutionType',
    observed: '4P',
    wire: withLine({ solutionType: '4P' }),
  },
  {
    rule: 'not_deployed_on_azure',
    item: 'registrations[1].solutionDetails[1].isDeployedOnAzure',
    observed: 'false',
    wire: withLine({ isDeployedOnAzure: false }),
  },
  {
    rule: 'marketplace_date_missing',
    item: 'registrations[1].solutionDetails[1].marketplaceTransactionDetails',
    observed: null,
    wire: withLine({ marketplaceTransactionDetails: { isMarketplaceTransacted: true } }),
  },
  {
    rule: 'won_too_soon',
    item: '',
    observed: '2.00',
    wire: aReferral({ createdDateTime: '2025-12-08T09:17:38Z', acceptedDateTime: null }),
  },
  {
    rule: 'negative_duration',
    item: 'acceptedDateTime',
    observed: '-2.00',
    wire: aReferral({ createdDateTime: '2025-09-05T10:00:00Z' }),
  },
  {
    rule: 'duplicate_policy',
    item: 'registrationEligibilityPolicies[]',
    observed: null,
    wire: {
      ...aReferral(),
      registrationEligibilityPolicies: [{ policyName: 'A' }, { policyName: 'A' }],
    },
  },
] as const

test.each(cases)('toRows raises $rule at "$item"', ({ rule, item, observed, wire }) => {
  const findings = rowsOf(wire)['stg.dq_finding']
  expect(findings).toContainEqual(
    expect.objectContaining({ rule_code: rule, item_ref: item, observed_value: observed }),
  )
})

test('an ordinary referral has no findings', () => {
  expect(rowsOf(aReferral())['stg.dq_finding']).toEqual([])
})

test.each([
  { why: '60 days from signing', wire: withContract({ signDateTime: '2025-10-11T00:00:00Z' }) },
  { why: '90 days from start', wire: withContract({ startDateTime: '2025-09-11T00:00:00Z' }) },
  {
    why: 'a lower value in another currency',
    wire: withContract({ value: 60_000, currency: 'EUR' }),
  },
])('a value at the limit raises no finding: $why', ({ wire }) => {
  const rules = rowsOf(wire)['stg.dq_finding'].map((row) => row.rule_code)
  expect(rules.filter((rule) => rule !== 'mixed_currency')).toEqual([])
})

/** A rule whose columns, its severity among them, a statement of the load selects. */
const raisedInLoad = /columnsOfRule\((\w+|'\w+')\)/g
/** A rule in the select list of a view, followed by its item and its severity. */
const raisedInView = /'([a-z]+(?:_[a-z]+)+)',\s*'\w+',\s*'(info|warn)'/g
const compared = /rule_code'?,?\s*(?:'(?:=|<>)'|=|<>),?\s*(\w+|'\w+')/g

/** Source text of a folder. */
function sourceOf(folder: string): string {
  const root = fileURLToPath(new URL(`../../${folder}/`, import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts') || file.endsWith('.sql'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
}

/** Rules that a pattern finds in a text, each a literal or the name of a constant. */
function rulesIn(text: string, pattern: RegExp): string[] {
  const constants = new Map(
    [...text.matchAll(/^export const (\w+) = ('\w+')/gm)].map(([, name, value]) => [name, value]),
  )
  return [...text.matchAll(pattern)].map(([, rule = '']) =>
    (constants.get(rule) ?? rule).replaceAll("'", ''),
  )
}

const rulesOf = (step: string) =>
  Object.entries(findingRules)
    .filter(([, { source }]) => source === step)
    .map(([rule]) => rule)

const ruleNames = rulesOf('transform')

test('every finding rule of the transform is raised in the source of the transform', () => {
  const text = sourceOf('src/transform')
  expect(ruleNames.filter((rule) => !text.includes(`'${rule}'`))).toEqual([])
})

test('load raises the finding rules that the table gives to it, and no others', () => {
  expect(rulesIn(sourceOf('src/load'), raisedInLoad).sort()).toEqual(rulesOf('load').sort())
})

test('the marts raise their finding rules with the severities of the table', () => {
  const raised = [...sourceOf('sql/marts').matchAll(raisedInView)].map((found) => found.slice(1))
  expect(raised.length).toBeGreaterThan(0)
  expect(raised).toEqual(
    rulesOf('mart').map((rule) => [rule, findingRules[rule as FindingRule].severity]),
  )
})

test('load compares rule_code with names of finding rules alone', () => {
  const names = rulesIn(sourceOf('src/load'), compared)
  expect(names.length).toBeGreaterThan(5)
  expect(names.filter((rule) => !(rule in findingRules))).toEqual([])
})

test('every finding rule of the transform has a test case', () => {
  const elsewhere = [
    ...['status_transition_not_allowed', 'version_not_readable'],
    // test/transform/files/assemble.test.ts
    ...['cell_not_loaded', 'created_day_estimated'],
  ]
  const tested = new Set<string>([...cases.map(({ rule }) => rule), ...elsewhere])
  expect(ruleNames.filter((rule) => !tested.has(rule))).toEqual([])
})

test.each([
  { value: 'ReferralStatus//Paused', wire: aReferral({ status: 'Paused' }) },
  { value: 'CustomerSize//huge', wire: aReferral({ customerProfile: { size: 'huge' } }) },
  {
    value: 'PricingModel//Barter',
    wire: withLine({}, { id: 'SOL-2', pricingModel: 'Barter' }),
  },
  {
    value: 'SolutionPlay/Security/Unify Your Data Platform',
    wire: { ...aReferral(), solutionArea: 'Security', solutionPlay: 'Unify Your Data Platform' },
  },
])(
  'an undocumented value enters the catalog of values without a finding: $value',
  ({ value, wire }) => {
    const rows = rowsOf(wire)
    const values = rows['stg.enum_value'].map(
      (row) => `${row.enum_name}/${row.parent_value}/${row.enum_value}`,
    )
    expect(values).toContain(value)
    const rules = rows['stg.dq_finding'].map((row) => row.rule_code)
    expect(rules.filter((rule) => rule.includes('enum'))).toEqual([])
  },
)

test('an undocumented value enters the catalog under its parent value', () => {
  const values = rowsOf(aReferral({ substatus: 'Parked', qualification: 'Rumour' }))[
    'stg.enum_value'
  ]
  expect(values).toEqual([
    {
      partner_account_key: 1,
      referral_no: 7,
      enum_name: 'ReferralSubstatus',
      parent_value: 'Closed',
      enum_value: 'Parked',
    },
    {
      partner_account_key: 1,
      referral_no: 7,
      enum_name: 'ReferralQualification',
      parent_value: '',
      enum_value: 'Rumour',
    },
  ])
})

test('an undocumented value of an earlier version enters the catalog without a finding', () => {
  const earlier = aReferral({ updatedDateTime: '2025-11-01T00:00:00Z', qualification: 'Rumour' })
  const rows = rowsOfVersions([{ wire: earlier }, { wire: aReferral() }])
  expect(rows['stg.enum_value'].map((row) => row.enum_value)).toEqual(['Rumour'])
  expect(rows['stg.dq_finding']).toEqual([])
})

test('a documented value in another case is stored in its documented spelling', () => {
  const wire = aReferral({ status: 'closed', substatus: 'WON' })
  expect(rowsOf(wire)['stg.fact_referral'][0]).toMatchObject({
    referral_status: 'Closed',
    referral_substatus: 'Won',
  })
})
