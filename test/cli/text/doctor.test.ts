import { expect, test } from 'vitest'
import { diagnosisJson, renderDiagnosis } from '../../../src/cli/text/doctor.ts'
import type { Diagnosis } from '../../../src/doctor/doctor.ts'

const diagnosis: Diagnosis = {
  settings: { COSELL_HOME: '/srv/cosell', COSELL_CLIENT_SECRET: 'set' },
  checks: [
    { check: 'database', status: 'ok', detail: 'answers' },
    {
      check: 'schema',
      status: 'warn',
      detail: 'not migrated yet',
      remedy: 'Run `cosell migrate`.',
    },
    {
      account: 'north',
      check: 'sign-in',
      status: 'fail',
      detail: 'rejected',
      remedy: 'The Referrals admin\n has to sign in again.',
    },
    { account: 'north', check: 'role', status: 'skipped', detail: 'not signed in' },
  ],
}

test('renderDiagnosis has a line a check, its remedy below it, and joins broken lines', () => {
  expect(renderDiagnosis(diagnosis).split('\n')).toEqual([
    'Settings in force',
    '  COSELL_HOME           /srv/cosell',
    '  COSELL_CLIENT_SECRET  set',
    '',
    'ok    database        answers',
    'warn  schema          not migrated yet',
    '      Run `cosell migrate`.',
    'FAIL  north: sign-in  rejected',
    '      The Referrals admin has to sign in again.',
    '-     north: role     not signed in',
    '',
    '4 checks: 1 failed, 1 warning, 1 skipped.',
  ])
})

test('renderDiagnosis ends with one sentence when all checks passed', () => {
  const well = { settings: {}, checks: [{ check: 'home', status: 'ok', detail: '/srv' }] } as const
  expect(renderDiagnosis(well)).toMatch(/\n\nAll checks passed\.$/)
})

test.each([
  { statuses: ['ok', 'skipped'], expected: 'ok' },
  { statuses: ['ok', 'warn'], expected: 'warned' },
  { statuses: ['warn', 'fail', 'ok'], expected: 'failed' },
] as const)('diagnosisJson sums up $statuses as $expected', ({ statuses, expected }) => {
  const checks = statuses.map((status) => ({ check: 'home', status, detail: 'x' }))
  expect(diagnosisJson({ settings: {}, checks })).toEqual({
    status: expected,
    settings: {},
    checks,
  })
})
