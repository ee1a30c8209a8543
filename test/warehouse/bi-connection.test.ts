import { expect, test } from 'vitest'
import { addressOf } from '../../src/warehouse/bi-connection.ts'
import { parseAddress } from '../../src/warehouse/connection/address.ts'

test.each([
  ['postgres://ada:word@db.example.com/sales', 'postgres://db.example.com:5432/sales'],
  [
    'postgresql://db.example.com:6543/co%20sell?user=ada&password=word&sslmode=require',
    'postgres://db.example.com:6543/co%20sell',
  ],
  ['postgres://ada:word@[::1]:6543/sales', 'postgres://[::1]:6543/sales'],
  [
    'postgres:///sales?host=/var/run/postgresql&user=ada&password=word',
    'postgres:///sales?host=%2Fvar%2Frun%2Fpostgresql&port=5432',
  ],
])('addressOf makes of %s a string without user and password', (url, expected) => {
  const shown = addressOf(parseAddress(url))
  expect(shown).toBe(expected)
  const { host, port, database } = parseAddress(url)
  expect(parseAddress(shown)).toMatchObject({ host, port, database })
})
