import { expect, test } from 'vitest'
import { type DiagnosisFigures, renderDiagnosis, toJson } from '../../../src/cli/text/doctor.ts'

const diagnosis: DiagnosisFigures = {
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
      detail: 'refused',
      remedy: 'The Referrals admin\n has to sign in again.',
    },
    { account: 'north', check: 'role', status: 'skipped', detail: 'not looked at' },
  ],
}

test('a check is a line, what to do is below it, and nothing breaks a line', () => {
  expect(renderDiagnosis(diagnosis).split('\n')).toEqual([
    'Settings in force',
    '  COSELL_HOME           /srv/cosell',
    '  COSELL_CLIENT_SECRET  set',
    '',
    'ok    database        answers',
    'warn  schema          not migrated yet',
    '      Run `cosell migrate`.',
    'FAIL  north: sign-in  refused',
    '      The Referrals admin has to sign in again.',
    '-     north: role     not looked at',
    '',
    '4 checks: 1 failed, 1 warning, 1 not looked at.',
  ])
})

test('nothing to complain of is one sentence', () => {
  const well = { settings: {}, checks: [{ check: 'home', status: 'ok', detail: '/srv' }] } as const
  expect(renderDiagnosis(well)).toMatch(/\n\nAll is well\.$/)
})

test.each([
  { statuses: ['ok', 'skipped'], expected: 'ok' },
  { statuses: ['ok', 'warn'], expected: 'warned' },
  { statuses: ['warn', 'fail', 'ok'], expected: 'failed' },
] as const)('machines are told that $statuses is $expected', ({ statuses, expected }) => {
  const checks = statuses.map((status) => ({ check: 'home', status, detail: 'x' }))
  expect(toJson({ settings: {}, checks })).toEqual({ status: expected, settings: {}, checks })
})
