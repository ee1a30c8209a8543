import { expect, test } from 'vitest'
import { toRows } from '../../../src/transform/to-rows.ts'
import { aReferral, landed } from '../../support/referral-builder.ts'
import { transformContext } from '../../support/transform-context.ts'

const azure = { policyName: 'Azure', isEligible: true }
const own = { ...aReferral(), registrationEligibilityPolicies: [azure] }

function policiesOf(wire: object, property?: string, fetched?: unknown) {
  const context = { ...transformContext, ...(property && { eligibilityProperty: property }) }
  const referral = landed([{ wire, at: '2025-12-11T02:00:00Z' }])
  const policies =
    fetched === undefined ? undefined : { observed_at: '2025-12-24T03:00:00Z', policies: fetched }
  const transformed = toRows({ ...referral, policies }, context)
  if (transformed.kind !== 'rows') throw new Error(transformed.kind)
  return {
    policies: transformed.rows['stg.fact_registration_eligibility'].map((row) => [
      row.policy_name,
      row.is_eligible,
      row.evaluated_date,
    ]),
    findings: transformed.rows['stg.dq_finding'].map((row) => row.rule_code),
  }
}

test.each([
  ['the property of ours', own],
  [
    'the property that the settings name',
    { ...aReferral(), dealPolicies: [azure] },
    'dealPolicies',
  ],
  ['that property in other letters', { ...aReferral(), DealPolicies: [azure] }, 'dealPolicies'],
  ['that property, not in ours', { ...own, dealPolicies: [azure] }, 'dealPolicies'],
])('toRows reads policies in %s, without a finding', (_, wire, property = undefined) => {
  expect(policiesOf(wire, property)).toEqual({
    policies: [['Azure', true, '2025-12-11']],
    findings: [],
  })
})

test('toRows reads no policies in a property that the settings do not name', () => {
  expect(policiesOf({ ...aReferral(), dealPolicies: [azure] })).toEqual({
    policies: [],
    findings: ['unmapped_property'],
  })
  expect(policiesOf(own, 'dealPolicies').policies).toEqual([])
})

test('toRows prefers fetched policies, with the day on which they were fetched', () => {
  const fetched = [{ policyName: 'Customer', isEligible: false }]
  expect(policiesOf(own, undefined, fetched)).toEqual({
    policies: [['Customer', false, '2025-12-24']],
    findings: [],
  })
  expect(policiesOf(own, undefined, []).policies).toEqual([])
})
