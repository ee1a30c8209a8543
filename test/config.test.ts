import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { settingRows, settings } from '../src/config/settings.ts'
import { loadConfig, variableHelp } from '../src/config.ts'
import { CosellError } from '../src/errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'cosell-config-'))
afterAll(() => rmSync(directory, { recursive: true }))

function load(variables: Record<string, string>, overrides: Record<string, string> = {}) {
  return loadConfig(overrides, variables, directory)
}

function refusal(variables: Record<string, string>): CosellError {
  try {
    load(variables)
  } catch (error) {
    if (error instanceof CosellError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

test('loadConfig without settings uses the embedded warehouse below the working directory', () => {
  const config = load({})
  expect(config).toMatchObject({
    home: join(directory, '.cosell'),
    databaseUrl: undefined,
    overlapHours: 72,
    pageSize: 100,
  })
  expect(config.accounts).toEqual([
    expect.objectContaining({ name: 'default', apiUrl: 'https://api.partner.microsoft.com' }),
  ])
  expect(Object.isFrozen(config)).toBe(true)
})

describe('loadConfig rejects a setting with its name and a remedy, and does not repeat its value', () => {
  test.each([
    {
      name: 'COSELL_API_URL',
      value: 'http://example.com',
      says: 'https://',
      why: 'a token must not travel in the clear',
    },
    {
      name: 'COSELL_API_URL',
      value: 'https://u:p@example.com',
      says: 'https://',
      why: 'an address has no user',
    },
    {
      name: 'COSELL_API_URL',
      value: 'https://example.com/v1.0',
      says: 'without path',
      why: 'cosell adds the path',
    },
    { name: 'COSELL_API_URL', value: 'api.example.com', says: 'https://', why: 'no scheme' },
    {
      name: 'COSELL_DATABASE_URL',
      value: 'mysql://example.com',
      says: 'postgres://',
      why: 'another database',
    },
    {
      name: 'COSELL_DATABASE_URL',
      value: 'postgres://u:p@:x/d',
      says: 'percent-encoded',
      why: 'no host, no port',
    },
    { name: 'COSELL_PAGE_SIZE', value: '0', says: '>=1', why: 'an empty page never ends' },
    { name: 'COSELL_PAGE_SIZE', value: 'many', says: 'number', why: 'not a number' },
    {
      name: 'COSELL_REPORTING_CURRENCY',
      value: 'usd',
      says: 'ISO 4217',
      why: 'codes are upper case',
    },
    {
      name: 'COSELL_FISCAL_YEAR_START_MONTH',
      value: '0',
      says: '>=1',
      why: 'there is no such month',
    },
    {
      name: 'COSELL_FISCAL_YEAR_START_MONTH',
      value: '13',
      says: '<=12',
      why: 'a year has twelve months',
    },
    { name: 'COSELL_FISCAL_YEAR_START_MONTH', value: 'July', says: 'number', why: 'not a number' },
    {
      name: 'COSELL_ELIGIBILITY_SOURCE',
      value: 'https://api.example.com/policies',
      says: '{referralId}',
      why: 'every referral has its own address',
    },
    {
      name: 'COSELL_ELIGIBILITY_SOURCE',
      value: 'a property',
      says: 'the name of a property',
      why: 'names have no blanks',
    },
    {
      name: 'COSELL_ELIGIBILITY_SOURCE',
      value: '/v1.0/{referralId}/{other}',
      says: '{referralId}',
      why: 'nothing fills another place',
    },
    { name: 'COSELL_ACCOUNT', value: '../other', says: 'letters', why: 'it names a file' },
    {
      name: 'COSELL_PAGESIZE',
      value: '50',
      says: 'COSELL_PAGE_SIZE',
      why: 'a typing error gets the nearest name',
    },
    { name: 'NODE_TLS_REJECT_UNAUTHORIZED', value: '0', says: 'unset it', why: 'TLS is never off' },
  ])('loadConfig rejects $name=$value: $why', ({ name, value, says }) => {
    const error = refusal({ [name]: value })
    expect(error.exitCode).toBe(78)
    expect(error.message).toContain(name)
    expect(error.message).toContain(says)
    if (value.length > 3) expect(error.message.replace(says, '')).not.toContain(value)
  })
})

test('loadConfig lists every problem at once', () => {
  const { message } = refusal({ COSELL_PAGE_SIZE: '0', COSELL_CONCURRENCY: '0', COSELL_TYPO: 'x' })
  expect(message).toContain('COSELL_PAGE_SIZE')
  expect(message).toContain('COSELL_CONCURRENCY')
  expect(message).toContain('COSELL_TYPO')
})

test('loadConfig accepts http for loopback alone', () => {
  for (const host of ['127.0.0.1:8080', 'localhost:8080', '[::1]:8080']) {
    expect(load({ COSELL_API_URL: `http://${host}` }).accounts[0]?.apiUrl).toBe(`http://${host}`)
  }
})

test('loadConfig prefers overrides to the environment and that to .env; blank means unset', () => {
  writeFileSync(join(directory, '.env'), 'COSELL_PAGE_SIZE=10\nCOSELL_CONCURRENCY=2\nOTHER=1\n')
  expect(load({ COSELL_CONCURRENCY: '3' })).toMatchObject({ pageSize: 10, concurrency: 3 })
  expect(load({ COSELL_CONCURRENCY: '3' }, { COSELL_CONCURRENCY: '5' }).concurrency).toBe(5)
  expect(load({ COSELL_PAGE_SIZE: '' }).pageSize).toBe(100)
  rmSync(join(directory, '.env'))
})

describe('accounts file', () => {
  const file = join(directory, 'accounts.json')
  const withFile = { COSELL_ACCOUNTS_FILE: file }

  test('an accounts file configures several accounts', () => {
    writeFileSync(
      file,
      JSON.stringify([{ account: 'north', tenantId: 't1' }, { account: 'south' }]),
    )
    expect(load(withFile).accounts).toEqual([
      expect.objectContaining({ name: 'north', tenantId: 't1' }),
      expect.objectContaining({ name: 'south' }),
    ])
  })

  test.each([
    { text: 'no json', says: 'not JSON' },
    { text: '[]', says: file },
    { text: '{"account":"a"}', says: 'expected a list of accounts' },
    { text: '[{"account":"a"},{"account":"a"}]', says: 'two accounts are called "a"' },
    { text: '[{"account":"a"},{"account":"A"}]', says: 'two accounts are called "a"' },
    { text: '[{"account":" a"}]', says: 'entry 1, account' },
    { text: '[{"account":"a","clientsecret":"x"}]', says: 'did you mean clientSecret?' },
    { text: '[{"account":"a"},{"account":""}]', says: 'entry 2, account: set to a blank value' },
    { text: '[{"account":"a","tenantId":" "}]', says: 'entry 1, tenantId: set to a blank value' },
    { text: '[\n{"account":"a",\n"account":"b"}]', says: 'line 3 has account a second time' },
    { text: '[\n{"account":"a",\n"tenantId":"t",}]', says: 'it is not JSON (line 3)' },
    {
      text: '[{"account":"a","accessToken":"x","clientId":"c"}]',
      says: 'entry 1, clientId: no effect beside accessToken',
    },
    {
      text: '[{"account":"a","tenantId":"T"},{"account":"b","tenantId":"t"}]',
      says: 'the accounts "a" and "b" name the same tenantId',
    },
    {
      text: '[{"account":"a","refreshToken":"r-1"},{"account":"b","refreshToken":"r-1"}]',
      says: 'the accounts "a" and "b" name the same refreshToken',
    },
    {
      text: '[{"account":"a","tenantId":"t","organizationId":"o"},{"account":"b","tenantId":"t"}]',
      says: 'the accounts "a" and "b" name the same tenantId',
    },
  ])('an accounts file with $text is rejected', ({ text, says }) => {
    writeFileSync(file, text)
    const error = refusal(withFile)
    expect(error).toMatchObject({ code: 'config.invalid', exitCode: 78 })
    expect(error.message).toContain(says)
    expect(error.message).not.toContain('r-1')
  })

  test.each([
    { why: 'their addresses differ', more: { apiUrl: 'http://127.0.0.1:8080' } },
    { why: 'their organisations differ', more: { organizationId: 'o-2' } },
  ])('an accounts file may name one tenant twice where $why', ({ more }) => {
    const [one, two] = ['a', 'b'].map((account) => ({ account, tenantId: 't' }))
    writeFileSync(
      file,
      JSON.stringify([
        { ...one, organizationId: 'o-1' },
        { ...two, ...more },
      ]),
    )
    expect(load(withFile).accounts.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('tenant and sign-in address may stand beside an access token, since they name the source', () => {
    const entry = { account: 'a', tenantId: 't', authorityUrl: 'https://x.example.com' }
    writeFileSync(file, JSON.stringify([{ ...entry, accessToken: 'x' }]))
    expect(load(withFile).accounts).toMatchObject([{ tenantId: 't', accessToken: 'x' }])
    const { COSELL_ACCOUNTS_FILE: _, ...variables } = {
      ...withFile,
      COSELL_TENANT_ID: 't',
      COSELL_AUTHORITY_URL: 'https://x.example.com',
      COSELL_ACCESS_TOKEN: 'x',
    }
    expect(load(variables).accounts).toMatchObject([{ tenantId: 't', accessToken: 'x' }])
  })
})

describe('table of settings', () => {
  test('the help names every setting', () => {
    for (const name of Object.keys(settings)) expect(variableHelp()).toContain(`  ${name} `)
  })

  test.each(settingRows)('setting %s has a default that its own parser accepts', (_, setting) => {
    if (setting.default !== undefined) setting.parser.parse(setting.default)
  })

  test('no secret setting has a default', () => {
    const secrets = settingRows.filter(([, { isSecret }]) => isSecret)
    expect(secrets.length).toBeGreaterThan(0)
    for (const [, setting] of secrets) expect(setting.default).toBeUndefined()
  })

  test('a field belongs to one setting alone', () => {
    const fields = settingRows.map(([, { field }]) => field)
    expect(new Set(fields).size).toBe(fields.length)
  })
})
