import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAddress } from '../../../src/warehouse/connection/address.ts'
import { findPassword, readPasswordFile } from '../../../src/warehouse/connection/password-file.ts'

const wanted = { host: 'db.example.com', port: 5432, database: 'sales', user: 'loader' }

test.each([
  { text: 'db.example.com:5432:sales:loader:one', password: 'one' },
  { text: '# db.example.com:5432:sales:loader:one\n*:*:*:*:two', password: 'two' },
  { text: '*:5433:*:*:one\n*:5432:*:loader:two\r\n*:*:*:*:three', password: 'two' },
  { text: String.raw`*:*:*:loader:a\:b\\c`, password: String.raw`a:b\c` },
  { text: '*:*:*:other:one', password: undefined },
  { text: ':5432:sales:loader:one', password: undefined },
  { text: 'db.example.com:5432:sales:loader', password: undefined },
])('findPassword finds $password', ({ text, password }) => {
  expect(findPassword(text, wanted)).toBe(password)
})

test('readPasswordFile reads the file of passfile, and refuses one that is open to others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cosell-passfile-'))
  try {
    const file = join(folder, 'pass')
    const address = parseAddress(`postgres://loader@db.example.com/sales?passfile=${file}`)
    expect(() => readPasswordFile(address)).toThrow(/passfile cannot be read/)
    writeFileSync(file, '*:*:*:*:word\n')
    chmodSync(file, 0o644)
    if (process.platform !== 'win32') expect(() => readPasswordFile(address)).toThrow(/chmod 600/)
    chmodSync(file, 0o600)
    expect(readPasswordFile(address)).toBe('word')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
