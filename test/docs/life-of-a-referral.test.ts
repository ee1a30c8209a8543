import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseJson } from '../../src/extract/http/exact-json.ts'
import { readLanded } from '../../src/load/landing/read-landed.ts'
import { splitPii } from '../../src/transform/pii/split-pii.ts'
import { type StagedRows, toRows } from '../../src/transform/to-rows.ts'
import { withDatabase } from '../support/database.ts'
import {
  anAccount,
  aRun,
  landReferrals,
  publishStaged,
  stageLanded,
} from '../support/load-referrals.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(path.join(root, 'docs/concepts/life-of-a-referral.md'), 'utf8')

interface Shown {
  readonly name: string
  /** Text of each value by its column, in the order of the page. */
  readonly values: ReadonlyMap<string, string>
}

/** Tables of the page below a comment of a kind, such as `<!-- row: mart.acv_line -->`. */
function shownTables(kind: string): Shown[] {
  const blocks = page.matchAll(
    new RegExp(`<!-- ${kind}(?:: ([\\w.]+))? -->\\n\\n((?:\\|.*\\n)+)`, 'g'),
  )
  return [...blocks].map(([, name = '', table = '']) => ({
    name,
    values: new Map(
      [...table.matchAll(/^\| `([\w.]+)` \| (.*?) \|$/gm)].map(([, key = '', value = '']) => [
        key,
        value,
      ]),
    ),
  }))
}

function jsonBelow(comment: string): string {
  const start = page.indexOf(`<!-- ${comment} -->`)
  const [, json] = /```json\n([\s\S]*?)\n```/.exec(page.slice(start)) ?? []
  if (start < 0 || json === undefined) throw new Error(`the page has no JSON below ${comment}`)
  return json
}

function textsOf(row: unknown, columns: Iterable<string>): Map<string, string> {
  const values = row as Readonly<Record<string, unknown>>
  return new Map([...columns].map((column) => [column, String(values[column])]))
}

const stored = shownTables('row')
const staged = shownTables('staged')
const [counts] = shownTables('staged counts')
const wire = parseJson(jsonBelow('payload'))

let rows: StagedRows
const storedRows = new Map<string, unknown[]>()

beforeAll(() =>
  withDatabase(async (db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const runId = await aRun(account)
    await landReferrals(account, runId, [wire])
    const key = { partner_account_key: account.key, referral_no: 1 }
    for await (const landed of readLanded(db, account.key, 'unpublished')) {
      const transformed = toRows({ ...key, ...landed }, account.context)
      if (transformed.kind !== 'rows') throw new Error('the payload of the page is quarantined')
      rows = transformed.rows
    }
    const staging = await stageLanded(account, 'unpublished')
    await publishStaged(account, runId, staging)
    for (const { name } of stored) {
      const found = await sql`select * from ${sql.table(name)}`.execute(db)
      storedRows.set(name, found.rows)
    }
  }),
)

describe('docs/concepts/life-of-a-referral.md', () => {
  test('the page shows rows of the landing zone, the star, the marts and the staging', () => {
    expect(stored.map(({ name }) => name)).toEqual([
      'raw.payload',
      'dw.fact_registration',
      'mart.registration',
      'mart.acv_line',
    ])
    expect(staged.length).toBe(5)
  })

  test('the number with an exponent is read as the text that the page names', () => {
    expect(wire).toMatchObject({ details: { dealValue: '1.2e5' } })
    expect(page).toContain('text `1.2e5`')
  })

  test('people and free text are split from the payload as the page shows', () => {
    const { people, payload } = splitPii(wire)
    expect(people).toEqual(JSON.parse(jsonBelow('people')))
    expect(JSON.stringify(payload)).not.toMatch(/Ida|Olav|@example/)
  })

  test.each(stored)('the row of $name has the values that the page shows', ({ name, values }) => {
    const found = storedRows.get(name) ?? []
    expect(found.length).toBe(1)
    expect(textsOf(found[0], values.keys())).toEqual(values)
  })

  test.each(staged)(
    'the first row of $name has the values that the page shows',
    ({ name, values }) => {
      const [first] = rows[name as keyof StagedRows]
      expect(textsOf(first, values.keys())).toEqual(values)
    },
  )

  test('the counts of staged rows are those that the page shows, and no other table has any', () => {
    const filled = Object.entries(rows).filter(([, held]) => held.length > 0)
    expect(new Map(filled.map(([name, held]) => [name, String(held.length)]))).toEqual(
      counts?.values,
    )
  })

  test('every function that the page names is in the file that it names', () => {
    const named = [...page.matchAll(/`(\w+)`\s+in\s+`((?:src|sql)\/[^`]+)`/g)]
    expect(named.length).toBeGreaterThan(30)
    const absent = named
      .map(([, name = '', file = '']) => ({ name, file }))
      .filter(({ name, file }) => {
        if (!existsSync(path.join(root, file))) return true
        const text = readFileSync(path.join(root, file), 'utf8')
        return !new RegExp(`(?:function\\*? |const )${name}\\b`).test(text)
      })
    expect(absent).toEqual([])
  })
})
