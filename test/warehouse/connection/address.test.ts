import { describe, expect, test } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import { type Address, parseAddress, placeOf } from '../../../src/warehouse/connection/address.ts'
import { securityOf, tlsAttempts } from '../../../src/warehouse/connection/tls.ts'

const secret = 'n33dle'

function refusalOf(url: string): string {
  try {
    parseAddress(url)
  } catch (error) {
    if (!(error instanceof CosellError)) throw error
    expect(error).toMatchObject({ code: 'database.address', exitCode: 78 })
    return error.message
  }
  throw new Error('it was accepted')
}

describe('parseAddress', () => {
  test.each<{ url: string; parts: Partial<Address>; place: string }>([
    {
      url: 'postgres://loader:p%40ss%2Fw%25rd@db.example.com:6543/sales',
      parts: { host: 'db.example.com', port: 6543, user: 'loader', password: 'p@ss/w%rd' },
      place: 'db.example.com:6543/sales',
    },
    {
      url: 'postgresql://loader@[2001:db8::1]/sales',
      parts: { host: '2001:db8::1', port: 5432, password: undefined, database: 'sales' },
      place: '[2001:db8::1]:5432/sales',
    },
    {
      url: 'postgres:///sales?user=loader&host=/var/run/postgresql&port=5433',
      parts: { host: '/var/run/postgresql', port: 5433, database: 'sales' },
      place: '/var/run/postgresql:5433/sales',
    },
    {
      url: 'postgres://loader@localhost',
      parts: { database: 'loader', applicationName: 'cosell', options: undefined },
      place: 'localhost:5432/loader',
    },
    {
      url: 'postgres:///sales?user=loader&password=x&application_name=night&connect_timeout=3',
      parts: {
        host: 'localhost',
        user: 'loader',
        applicationName: 'night',
        connectTimeoutMs: 3_000,
      },
      place: 'localhost:5432/sales',
    },
  ])('parseAddress reads $url', ({ url, parts, place }) => {
    const address = parseAddress(url)
    expect(address).toMatchObject(parts)
    expect(placeOf(address)).toBe(place)
  })

  test.each([
    { url: `postgres://u:${secret}%zz@h/d`, says: 'the password holds a "%"' },
    { url: `postgres://u:1/${secret}@h/d`, says: '"@", as with a password' },
    { url: `postgres://u:x#${secret}@h/d`, says: 'expected a connection string' },
    { url: `postgres://u@h/d#${secret}`, says: 'expected no "#"' },
    { url: 'host=h dbname=d', says: 'expected a connection string' },
    { url: 'postgres://u@h1:1,h2:2/d', says: 'several hosts' },
    { url: 'postgres://u@h1,h2/d', says: 'several hosts' },
    { url: 'postgres:///d?host=h1,h2', says: 'several hosts' },
    { url: 'postgres:///d?host=h1%2Ch2', says: 'several hosts' },
    { url: 'postgres://u@h/d?service=night', says: 'no parameter "service"' },
    { url: 'postgres://u@h/d?hostaddr=127.0.0.1', says: 'no parameter "hostaddr"' },
    { url: 'postgres://u@h/d?schema=public', says: 'Known parameters: host, port' },
    { url: 'postgres://u@h/d?gssencmode=require', says: 'gssencmode=disable or prefer' },
    { url: 'postgres://u@h/d?load_balance_hosts=random', says: 'load_balance_hosts=disable' },
    { url: 'postgres://u@h/d?requiressl=1', says: 'requiressl=0' },
    { url: 'postgres://u@h/d?client_encoding=LATIN1', says: 'client_encoding=UTF8' },
    { url: 'postgres://u@h/d?target_session_attrs=master', says: 'target_session_attrs to be one' },
    { url: 'postgres://u@h/d?channel_binding=yes', says: 'channel_binding to be one of' },
    { url: 'postgres://u@h/d?sslmode=verify', says: 'sslmode to be one of' },
    { url: 'postgres://u@h/d?sslmode=verify-ca', says: 'without sslrootcert' },
    { url: 'postgres://u@h/d?sslmode=require&sslrootcert=system', says: 'sslmode=verify-full' },
    { url: 'postgres://u@h/d?sslmode=prefer&sslnegotiation=direct', says: 'sslmode=require' },
    { url: 'postgres://u@h/d?sslcert=/c', says: 'sslcert and sslkey go together' },
    { url: 'postgres://u@h/d?connect_timeout=soon', says: 'a whole number for connect_timeout' },
  ])('parseAddress refuses $url and says why', ({ url, says }) => {
    const message = refusalOf(url)
    expect(message).toContain(says)
    expect(message).toContain('COSELL_DATABASE_URL')
    expect(message).not.toContain(secret)
  })
})

describe('tlsAttempts', () => {
  const unverified = { rejectUnauthorized: false }
  const verified = { rejectUnauthorized: true }
  test.each([
    { url: 'postgres://u@localhost/d', attempts: [false] },
    { url: 'postgres://u@db.example.com/d', attempts: [verified], isNameChecked: true },
    { url: 'postgres://u@h/d?sslmode=disable', attempts: [false] },
    { url: 'postgres://u@h/d?sslmode=allow', attempts: [false, unverified] },
    { url: 'postgres://u@h/d?sslmode=prefer', attempts: [unverified, false] },
    { url: 'postgres://u@h/d?sslmode=require', attempts: [unverified] },
    { url: 'postgres://u@h/d?sslmode=no-verify', attempts: [unverified] },
    { url: 'postgres://u@h/d?sslmode=verify-full', attempts: [verified], isNameChecked: true },
    { url: 'postgres://u@h/d?ssl=true', attempts: [verified], isNameChecked: true },
    { url: 'postgres://u@h/d?sslrootcert=system', attempts: [verified], isNameChecked: true },
    { url: 'postgres:///d?user=u&host=/tmp&sslmode=require', attempts: [false] },
  ])('tlsAttempts of $url are those of libpq', ({ url, attempts, isNameChecked = false }) => {
    const got = tlsAttempts(parseAddress(url))
    expect(got).toMatchObject(attempts)
    const [first] = got
    if (first !== false && first !== undefined) {
      expect(first.checkServerIdentity === undefined).toBe(isNameChecked)
    }
  })

  test('tlsAttempts names the parameter of a missing file', () => {
    const address = parseAddress('postgres://u@h/d?sslmode=verify-ca&sslrootcert=/no/such/ca.pem')
    expect(() => tlsAttempts(address)).toThrow(/file of sslrootcert .*ENOENT.*\/no\/such\/ca\.pem/)
  })

  test.each([
    { url: 'postgres://u@h/d', isUnverified: false },
    { url: 'postgres://u@h/d?sslmode=require', isUnverified: true },
    { url: 'postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem', isUnverified: false },
    { url: 'postgres://u@h/d?sslmode=prefer&sslrootcert=/ca.pem', isUnverified: true },
  ])('securityOf $url: unverified is $isUnverified', ({ url, isUnverified }) => {
    expect(securityOf(parseAddress(url))).toEqual({ isLocal: false, isUnverified })
  })
})
