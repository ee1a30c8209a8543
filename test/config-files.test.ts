import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { parseDotEnv } from '../src/config/dot-env.ts'
import { settingRows } from '../src/config/settings.ts'
import { decodeText } from '../src/config/text-file.ts'
import { loadConfig } from '../src/config.ts'
import { CosellError } from '../src/errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'cosell-config-'))
afterAll(() => rmSync(directory, { recursive: true }))

const utf16be = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
const utf16le = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const encodings = [
  { encoding: 'UTF-8', encode: (text: string) => Buffer.from(text) },
  {
    encoding: 'UTF-8 with byte order mark',
    encode: (text: string) => Buffer.from(`\ufeff${text}`),
  },
  { encoding: 'UTF-16LE', encode: utf16le },
  { encoding: 'UTF-16BE', encode: utf16be },
]

function load(
  dotEnv: string | Uint8Array,
  variables: Record<string, string> = {},
  overrides: Record<string, string> = {},
) {
  writeFileSync(join(directory, '.env'), dotEnv)
  return loadConfig(overrides, variables, directory)
}

function problemsOf(...given: Parameters<typeof load>): string {
  try {
    load(...given)
  } catch (error) {
    if (error instanceof CosellError && error.code === 'config.invalid') return error.message
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('encoding of a file of settings', () => {
  test.each(encodings)('.env in $encoding is read from its first line on', ({ encode }) => {
    const config = load(encode('COSELL_ACCOUNT=north\r\n# Zürich\r\nCOSELL_PAGE_SIZE=7\r\n'))
    expect(config).toMatchObject({ pageSize: 7, accounts: [{ name: 'north' }] })
  })

  test.each(encodings)('an accounts file in $encoding is read', ({ encode }) => {
    writeFileSync(join(directory, 'accounts.json'), encode('[{"account":"north"}]'))
    const config = load('', { COSELL_ACCOUNTS_FILE: 'accounts.json' })
    expect(config.accounts).toMatchObject([{ name: 'north' }])
  })

  const latin1 = Buffer.from('A=1\nB=Zürich\nC=3\n', 'latin1')
  test.each([
    { why: 'Latin-1', bytes: latin1, says: 'line 2 is not valid UTF-8' },
    { why: 'UTF-16 without mark', bytes: utf16le('A=1').subarray(2), says: 'NUL characters' },
    { why: 'UTF-32', bytes: [0xff, 0xfe, 0, 0, 0x41, 0, 0, 0], says: 'it is in UTF-32' },
    { why: 'half a letter of UTF-16', bytes: [...utf16le('A'), 0x42], says: 'not valid UTF-16LE' },
  ])('a file in $why is refused, and the message says how to save it', ({ bytes, says }) => {
    expect(() => decodeText(Uint8Array.from(bytes))).toThrow(says)
    expect(problemsOf(Uint8Array.from(bytes))).toContain('save it as UTF-8')
  })
})

describe('line of .env', () => {
  test.each([
    'COSELL_HOME=/x',
    '  export COSELL_HOME = /x  ',
    'COSELL_HOME="/x" # comment',
    "COSELL_HOME='/x'",
    'COSELL_HOME=`/x`',
    'COSELL_HOME=/x # comment',
    '\u00a0COSELL_HOME=/x',
    'OTHER=1\rCOSELL_HOME=/x\r',
  ])('.env line %j sets the folder', (line) => expect(load(line).home).toBe('/x'))

  test.each([
    'A=1\nexport B = two words \nC="x\\ny"\nD=\'x\\ny\'\nE=\nF=x # y\nG="x # y"\n# H=1\n',
    'A="one\ntwo"\nB=3\n',
    'PRIVATE="-----\nA=1\n-----"\r\nB=3\r\n',
  ])('parseDotEnv reads %j as Node.js does', (text) => {
    const { values, problems } = parseDotEnv(text)
    const read = [...values].map(([name, { value }]) => [name, value])
    expect(Object.fromEntries(read)).toEqual(parseEnv(text.replaceAll('\r\n', '\n')))
    expect(problems).toEqual([])
  })

  test.each([
    { text: 'COSELL_CLIENT_SECRET=ab#cd', says: 'line 1: COSELL_CLIENT_SECRET holds a #' },
    { text: '\nCOSELL_HOME="/x', says: 'line 2: COSELL_HOME has no closing "' },
    { text: 'COSELL_HOME="/x" y', says: 'line 1: COSELL_HOME goes on after the closing "' },
    { text: 'COSELL_HOME=\u201c/x\u201d', says: 'line 1: COSELL_HOME begins with a typographic' },
    { text: 'COSELL_HOME: /x', says: 'line 1: expected NAME=value' },
    { text: 'set COSELL_HOME=/x', says: 'line 1: expected NAME=value' },
    { text: '\u200bCOSELL_HOME=/x', says: 'line 1: expected NAME=value' },
    {
      text: 'COSELL_HOME=/x\nA=1\nCOSELL_HOME=/y',
      says: 'line 3: COSELL_HOME has another value than in line 1',
    },
    { text: 'cosell_home=/x', says: 'did you mean COSELL_HOME?' },
    { text: 'COSEL_HOME=/x', says: 'did you mean COSELL_HOME?' },
    { text: 'COSELL-HOME=/x', says: 'did you mean COSELL_HOME?' },
    { text: 'COSELL_HOME=~/x', says: 'COSELL_HOME (.env line 1): expected a path without ~' },
    { text: 'COSELL_HOME="$HOME/x"', says: 'expected a path without ~ and variables' },
    { text: 'A=1\nCOSELL_PAGE_SIZE=0', says: 'COSELL_PAGE_SIZE (.env line 2): ' },
  ])('.env with $text is refused with its line', ({ text, says }) => {
    const problems = problemsOf(text)
    expect(problems).toContain(says)
    expect(problems).not.toContain('ab#cd')
  })

  test('.env may repeat a name with the same value, and hold lines of other programs', () => {
    const text = 'COSELL_HOME=/x\nCOSELL_HOME=/x\nnot a line\nOTHER="open\nA=b#c\nA=d\n'
    expect(load(text).home).toBe('/x')
  })
})

describe('blank value', () => {
  const refused = settingRows.filter(([, { isBlankRefused }]) => isBlankRefused)

  test('the settings that choose a warehouse, an account or a source are never blank', () => {
    expect(refused.map(([name]) => name)).toEqual([
      'COSELL_HOME',
      'COSELL_DATABASE_URL',
      'COSELL_READER_DATABASE_URL',
      'COSELL_ACCOUNT',
      'COSELL_API_URL',
      'COSELL_AUTHORITY_URL',
      'COSELL_TENANT_ID',
    ])
  })

  test.each(refused)('a blank %s is refused, in the environment and in .env', (name) => {
    expect(problemsOf('', { [name]: ' ' })).toContain(`${name} (environment): set to a blank`)
    expect(problemsOf(`${name}=\n`)).toContain(`${name} (.env line 1): set to a blank`)
    expect(problemsOf(`${name}=x\n`, { [name]: '' })).toContain(`${name} (environment): set to`)
  })

  test.each(settingRows.filter(([, { isBlankRefused }]) => !isBlankRefused))(
    'a blank %s counts as unset, also over a value of .env',
    (name, { field }) => {
      const unset = load('')
      const config = load(`${name}=/x\n`, { [name]: '' })
      expect(Reflect.get({ ...config, ...config.accounts[0] }, field)).toEqual(
        Reflect.get({ ...unset, ...unset.accounts[0] }, field),
      )
    },
  )

  test('a blank override unsets a setting, whatever the environment has', () => {
    const variables = { COSELL_DATABASE_URL: '', COSELL_ACCOUNTS_FILE: '/x' }
    const overrides = { COSELL_DATABASE_URL: '', COSELL_ACCOUNTS_FILE: '' }
    expect(load('', variables, overrides).databaseUrl).toBeUndefined()
  })
})

describe('setting that another one makes idle', () => {
  const values: Record<string, string> = {
    COSELL_DATABASE_URL: 'postgres://u@db.example.com/d',
    COSELL_API_URL: 'https://api.example.com',
    COSELL_AUTHORITY_URL: 'https://api.example.com',
    COSELL_API_SCOPE: 'https://api.example.com/.default',
  }
  const pairs = settingRows.flatMap(([name, setting]) => [
    ...(setting.perAccount ? [{ name, beside: 'COSELL_ACCOUNTS_FILE' }] : []),
    ...(setting.onlyEmbedded ? [{ name, beside: 'COSELL_DATABASE_URL' }] : []),
    ...(setting.onlySignIn ? [{ name, beside: 'COSELL_ACCESS_TOKEN' }] : []),
  ])

  test.each(pairs)('$name beside $beside is refused, and the message names both', (pair) => {
    const { name, beside } = pair
    const line = `${beside}=${values[beside] ?? 'x'}\n`
    const says = `${name} (environment): no effect beside ${beside} (.env line 1)`
    expect(problemsOf(line, { [name]: values[name] ?? 'x' })).toContain(says)
    if (!settingRows.some(([known, { isBlankRefused }]) => known === name && isBlankRefused)) {
      expect(load(beside === 'COSELL_ACCOUNTS_FILE' ? '' : line, { [name]: '' })).toBeDefined()
    }
  })

  test('tenant, organisation and addresses may stand beside an access token', () => {
    const allowed = settingRows.filter(
      ([, { perAccount, onlySignIn }]) => perAccount && !onlySignIn,
    )
    const set = allowed.map(([name]) => [name, values[name] ?? 'x'])
    expect(allowed.map(([name]) => name)).toContain('COSELL_TENANT_ID')
    expect(load('', { ...Object.fromEntries(set), COSELL_ACCESS_TOKEN: 'x' })).toBeDefined()
  })
})

test('a value of the environment with its quotation marks is refused', () => {
  const says = 'COSELL_TENANT_ID (environment): the quotation marks are part of the value'
  expect(problemsOf('', { COSELL_TENANT_ID: '"t.example.com"' })).toContain(says)
})
