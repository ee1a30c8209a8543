import { expect, test } from 'vitest'
import { chooseAccounts } from '../../../src/pipeline/accounts/choose-accounts.ts'

const north = { name: 'north' }
const south = { name: 'south' }

test.each([
  [undefined, [north, south]],
  [[], [north, south]],
  [['south'], [south]],
  [
    ['south', 'north', 'south'],
    [north, south],
  ],
])('the accounts of the names %j come once, in their own order', (named, expected) => {
  expect(chooseAccounts([north, south], named)).toEqual(expected)
})

test('a name that no account has is wrong usage, and the message lists those there are', () => {
  expect(() => chooseAccounts([north, south], ['south', 'west'])).toThrow(
    '--account: expected north, south, got west.',
  )
})
