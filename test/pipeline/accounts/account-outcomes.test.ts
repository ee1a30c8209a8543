import { describe, expect, test } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import { exitCodes, gravestFirst } from '../../../src/exit-codes.ts'
import { type AccountLoad, concludeLoads } from '../../../src/pipeline/accounts/account-outcomes.ts'
import { aRun } from '../../support/run-summary.ts'

const throttled = new CosellError('run.deadline', 'late')
const held = new CosellError('lease.held', 'held')
const hung = new CosellError('run.stalled', 'hung')
const other = new CosellError('account.other_tenant', 'other')
const fault = new CosellError('unexpected', 'fault')
const ended = new CosellError('signal.terminated', 'ended')

function load(failure?: CosellError): AccountLoad {
  return { account: 'one', summary: aRun, failure, durationMs: 5 }
}

test('every kind of failure has a place in the order of gravity', () => {
  const kinds = Object.keys(exitCodes).filter((k) => !['done', 'stale', 'incomplete'].includes(k))
  expect([...gravestFirst].sort()).toEqual(kinds.sort())
})

describe('the end of a command with several accounts', () => {
  test.each([
    { why: 'all publish', failures: [undefined, undefined], status: 'published' },
    { why: 'one fails', failures: [undefined, held], status: 'partly', exit: 4 },
    { why: 'a person is needed', failures: [throttled, other, held], status: 'failed', exit: 78 },
    {
      why: 'two of one kind',
      failures: [hung, throttled],
      status: 'failed',
      exit: 75,
      says: 'hung',
    },
    {
      why: 'a tolerated one',
      failures: [held, undefined],
      tolerated: 1,
      status: 'partly',
      exit: 0,
    },
    {
      why: 'more than tolerated',
      failures: [held, hung, undefined],
      tolerated: 1,
      status: 'partly',
      exit: 75,
    },
    { why: 'none published', failures: [held], tolerated: 1, status: 'failed', exit: 4 },
    { why: 'a fault', failures: [fault, undefined], tolerated: 1, status: 'partly', exit: 70 },
    { why: 'a signal', failures: [ended, undefined], tolerated: 1, status: 'partly', exit: 143 },
  ])('$why: $status', ({ failures, tolerated = 0, status, exit, says }) => {
    const result = concludeLoads(failures.map(load), tolerated)
    expect(result).toMatchObject({ status, seen: aRun.seen * failures.length })
    expect(result.exit_code).toBe(exit)
    if (says !== undefined) expect(result.message).toBe(says)
    expect(result.accounts.map(({ exit_code }) => exit_code)).toEqual(
      failures.map((failure) => failure?.exitCode ?? 0),
    )
  })
})
