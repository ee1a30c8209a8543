import { describe, expect, test } from 'vitest'
import { aReferral, only, rowsOf } from '../../support/referral-builder.ts'

function header(changes: object) {
  return only(rowsOf(aReferral(changes))['stg.dim_referral'])
}

const msft = { invitedBy: { organizationId: 'MSFT' } }
const partner = { invitedBy: { organizationId: 'a-partner' } }

test.each([
  { type: 'Independent', qualification: 'Direct', inviteContext: null, is: 'Marketplace lead' },
  { type: 'Independent', qualification: 'Direct', inviteContext: msft, is: 'Marketplace lead' },
  { type: 'Independent', qualification: 'Direct', inviteContext: partner, is: 'Other' },
  { type: 'Shared', qualification: 'Direct', inviteContext: null, is: 'Other' },
  {
    type: 'Independent',
    qualification: 'SalesQualified',
    inviteContext: msft,
    is: 'Qualified lead',
  },
  {
    type: 'independent',
    qualification: 'marketingqualified',
    inviteContext: msft,
    is: 'Qualified lead',
  },
  { type: 'Shared', qualification: 'SalesQualified', inviteContext: msft, is: 'Other' },
  {
    type: 'Shared',
    qualification: 'SalesQualified',
    inviteContext: partner,
    is: 'Co-sell opportunity',
  },
  { type: 'Independent', qualification: 'None', inviteContext: partner, is: 'Co-sell opportunity' },
  { type: 'Shared', qualification: null, inviteContext: partner, is: 'Other' },
  { type: 'Shared', qualification: 'None', inviteContext: null, is: 'Other' },
])('referral category of $type $qualification is $is', ({ is, ...changes }) => {
  expect(header(changes).referral_category).toBe(is)
})

test.each([
  { type: 'Shared', shared: true, is: 'Co-sell' },
  { type: 'Independent', shared: true, is: 'Partner-led' },
  { type: 'Shared', shared: false, is: 'Private' },
  { type: 'Unheard of', shared: false, is: 'Private' },
  { type: 'Unheard of', shared: true, is: 'Unknown' },
  { type: 'Shared', shared: null, is: 'Unknown' },
])('deal type of $type, shared with sellers $shared, is $is', ({ type, shared, is }) => {
  const consent = { consentToShareReferralWithMicrosoftSellers: shared }
  expect(header({ type, consent }).deal_type).toBe(is)
})

test.each([
  { iot: null, is: false },
  { iot: { azureCertifiedDevice: false, attachServices: false }, is: false },
  { iot: { azureCertifiedDevice: true }, is: true },
  { iot: { attachServices: true }, is: true },
  { iot: { siliconType: 'ARM' }, is: true },
])('requirements $iot make an IoT deal: $is', ({ iot, is }) => {
  const details = { requirements: { additionalRequirements: { iot } } }
  expect(header({ details }).has_iot_requirements).toBe(is)
})

describe('solution area and play', () => {
  const attribute = (type: string, id: string) => ({ type, id })
  const withAttributes = (...attributes: object[]) => ({
    details: { requirements: { additionalRequirements: { attributes } } },
  })
  const assessment = {
    requirements: { solutions: [{ name: 'data security', solutionType: 'SA' }] },
  }

  test.each([
    {
      why: 'an attribute takes precedence',
      changes: { ...withAttributes(attribute('solutionarea', 'security')), solutionArea: 'Other' },
      area: 'Security',
      play: '(Not provided)',
    },
    {
      why: 'then a property of the referral',
      changes: { details: { ...assessment, solutionPlay: 'x' }, SolutionPlay: 'Data Security' },
      area: 'Security',
      play: 'Data Security',
    },
    {
      why: 'then one of the details',
      changes: { details: { ...assessment, solutionPlay: ['Unify Your Data Platform'] } },
      area: 'Cloud and AI Platforms',
      play: 'Unify Your Data Platform',
    },
    {
      why: 'then a requested assessment',
      changes: { details: assessment },
      area: 'Security',
      play: 'Data Security',
    },
    {
      why: 'a play of two areas gives no area',
      changes: withAttributes(attribute('SolutionPlay', 'Converged Communications')),
      area: '(Not provided)',
      play: 'Converged Communications',
    },
    {
      why: 'several values give (Multiple)',
      changes: withAttributes(
        attribute('SolutionPlay', 'Data Security'),
        attribute('SolutionPlay', 'Unify Your Data Platform'),
      ),
      area: '(Multiple)',
      play: '(Multiple)',
    },
    {
      why: 'no value gives (Not provided)',
      changes: {},
      area: '(Not provided)',
      play: '(Not provided)',
    },
  ])('solution area and play: $why', ({ changes, area, play }) => {
    expect(header(changes)).toMatchObject({ solution_area: area, solution_play: play })
  })

  test('solution area and play are tags of the referral, whatever their source', () => {
    const rows = rowsOf(aReferral({ details: assessment }))['stg.bridge_referral_tag']
    const attributes = rows.filter((row) => row.tag_group === 'Attribute')
    expect(attributes.map((row) => [row.tag_type, row.tag_id])).toEqual([
      ['SolutionArea', 'Security'],
      ['SolutionPlay', 'Data Security'],
    ])
  })
})
