import { describe, expect, test } from 'vitest'
import { ignoresHangup } from '../../src/cli/signals.ts'
import { isStartedByNohup } from '../../src/config.ts'

describe('an ignored SIGHUP', () => {
  test.each([
    { mask: '0000000000000001', expected: true },
    { mask: '0000000000000004', expected: false },
    { mask: '0000000001001000', expected: false },
    { mask: '0000000001001001', expected: true },
    { mask: 'fffffffe7ffbfeff', expected: true },
  ])('ignoresHangup reads $expected from the mask $mask', ({ mask, expected }) => {
    const status = `Name:\tbash\nSigBlk:\t0000000000000001\nSigIgn:\t${mask}\nSigCgt:\t0000000000000001\n`
    expect(ignoresHangup(status)).toBe(expected)
  })

  test('ignoresHangup is false for a status without the mask', () => {
    expect(ignoresHangup('Name:\tbash\n')).toBe(false)
  })

  test.each([
    { started: '/usr/bin/nohup', expected: true },
    { started: 'nohup', expected: true },
    { started: '/usr/bin/cosell', expected: false },
    { started: '/srv/nohup/cosell', expected: false },
    { started: '/opt/not-nohup', expected: false },
  ])('isStartedByNohup is $expected after a shell started $started', ({ started, expected }) => {
    expect(isStartedByNohup({ _: started })).toBe(expected)
  })

  test('isStartedByNohup is false where the shell says nothing', () => {
    expect(isStartedByNohup({})).toBe(false)
  })
})
