import { describe, expect, test } from 'vitest'
import { renderBiConnection } from '../../../src/cli/text/bi-connection.ts'

const url = 'postgres://cosell_reader:word@127.0.0.1:5432/cosell'
const made = { url, login: 'cosell_reader', isRowSecured: false }

describe('renderBiConnection', () => {
  test('renderBiConnection ends its first line with the connection string, unquoted', () => {
    expect(renderBiConnection(made).split('\n')[0]).toBe(`Connection string for BI tools: ${url}`)
  })

  test('renderBiConnection says how to make a login where cosell makes none', () => {
    const bare = 'postgres://db.example.com:5432/cosell'
    const text = renderBiConnection({ url: bare, login: undefined, isRowSecured: false })
    expect(text).toContain(`Connection string for BI tools: ${bare}\n`)
    expect(text).toMatch(/create role \w+ login password '.+' in role cosell_bi;/)
  })

  test('renderBiConnection names etl.bi_access under row-level security alone', () => {
    expect(renderBiConnection({ ...made, isRowSecured: true })).toContain('etl.bi_access')
    expect(renderBiConnection(made)).not.toContain('etl.bi_access')
  })

  test('renderBiConnection fits 80 columns beside the connection string', () => {
    for (const login of ['cosell_reader', undefined]) {
      const lines = renderBiConnection({ url, login, isRowSecured: true }).split('\n').slice(1)
      expect(lines.filter((line) => line.length > 80)).toEqual([])
    }
  })
})
