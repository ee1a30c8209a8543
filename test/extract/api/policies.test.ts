import { expect, test } from 'vitest'
import {
  policiesOf,
  policyAddress,
  problemWithPolicies,
} from '../../../src/extract/api/policies.ts'

const base = new URL('https://api.example.com')

test.each([
  ['/v1/{referralId}/policies', 'a b/c', 'https://api.example.com/v1/a%20b%2Fc/policies'],
  ['/v1/policies?of={referralId}', 'x', 'https://api.example.com/v1/policies?of=x'],
  ['https://api.example.com:443/v1/{referralId}', 'x', 'https://api.example.com/v1/x'],
])('policyAddress puts the id into %s', (template, id, address) => {
  expect(policyAddress(base, template, id).href).toBe(address)
})

test.each([
  ['https://other.example.com/{referralId}', 'another host'],
  ['http://api.example.com/{referralId}', 'another scheme'],
  ['https://api.example.com:8443/{referralId}', 'another port'],
  ['https://api.example.com@other.example.com/{referralId}', 'the host is the last one'],
  ['https://user@api.example.com/{referralId}', 'sign-in data'],
  ['//other.example.com/{referralId}', 'a host without a scheme'],
  ['/\\other.example.com/{referralId}', 'a host, as browsers read it'],
  ['https://{referralId}.example.com/', 'the host depends on the data'],
  ['/v1/policies', 'one address for all referrals'],
  ['policies/{referralId}', 'neither a path nor an address'],
])('policyAddress rejects %s: %s', (template) => {
  expect(() => policyAddress(base, template, 'x')).toThrow(
    expect.objectContaining({ code: 'eligibility.address', exitCode: 78 }),
  )
})

const policy = { policyName: 'A' }

test.each([
  ['a list', [policy], [policy]],
  ['an OData envelope', { '@odata.context': 'x', value: [policy] }, [policy]],
  ['a single policy', policy, [policy]],
  ['an empty list', [], []],
])('policiesOf reads %s', (_, body, policies) => {
  expect(problemWithPolicies(body)).toBeNull()
  expect(policiesOf(body)).toEqual(policies)
})

test.each([
  ['a text', 'none', 'neither an object nor a list'],
  ['an error', { error: { code: 'generalException' } }, 'generalException'],
  ['a referral', { id: 'x', team: [{ email: 'ada@example.com' }] }, 'without policyName'],
  ['a list of referrals', { value: [policy, { id: 'x' }] }, 'without policyName'],
])('problemWithPolicies rejects %s', (_, body, says) => {
  expect(problemWithPolicies(body)).toContain(says)
})
