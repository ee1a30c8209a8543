import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { copyLine, copyValue } from '../../../src/load/copy/copy-format.ts'
import { stageRows } from '../../../src/load/staging/stage.ts'
import type { StagedBatch, StageTable } from '../../../src/load/staging/stage-tables.ts'
import type { Warehouse } from '../../../src/warehouse/connection/database.ts'
import { tables } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { anAccount } from '../../support/load-referrals.ts'

async function stage(warehouse: Warehouse, batch: StagedBatch) {
  async function* batches() {
    yield batch
  }
  const { lease } = await anAccount(warehouse)
  await stageRows(warehouse, lease, batches())
  await lease.release()
}

const aTag = { partner_account_key: 1, tag_group: 'Product', tag_type: 'Products' }

/** Sends texts through COPY and returns what the table then holds. */
async function throughCopy(warehouse: Warehouse, texts: readonly string[]) {
  await sql`truncate stg.dim_tag`.execute(warehouse.query)
  const rows = texts.map((tag_id, referral_no) => ({ ...aTag, referral_no, tag_id }))
  await stage(warehouse, { 'stg.dim_tag': rows })
  const stored = await sql<{ tag_id: string; bytes: number }>`
    select tag_id, octet_length(tag_id) as bytes from stg.dim_tag order by referral_no
  `.execute(warehouse.query)
  return stored.rows
}

// PostgreSQL has no NUL in a text, and a lone surrogate is no character; the transform drops both.
const anyText = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((text) => text.replaceAll('\0', ''))
const awkwardText = fc.string({
  unit: fc.constantFrom('\\', 'N', '.', '\t', '\n', '\r', 'n', 't', 'b', 'x', '0', '"', "'", ' '),
  maxLength: 12,
})

const awkwardTexts = [
  { text: '\\N', why: 'the text \\N is not null' },
  { text: '\\.', why: 'the end-of-data mark inside a text ends nothing' },
  { text: '\n\\.\n', why: 'nor does it on a line of its own' },
  { text: 'C:\\new\\table', why: 'backslashes are not escapes' },
  { text: 'a\tb\r\nc\rd\ne', why: 'tabs and line ends stay within the column' },
  { text: '\b\f\v\u0001\u007f', why: 'other control characters pass' },
  { text: '\u2028\u2029\u0085\ufeff', why: 'Unicode line separators and a byte order mark pass' },
  { text: '👩‍👩‍👧 e\u0301 日本', why: 'emoji, combining marks and wide characters pass' },
  { text: `"quoted", 'quoted', {a,b}`, why: 'quotes, commas and braces are plain text' },
  { text: '', why: 'an empty text is not null' },
  { text: '  trailing  ', why: 'spaces stay' },
]

describe('COPY text', () => {
  test('COPY text keeps characters that are special in COPY', () =>
    withDatabase(async (_, __, warehouse) => {
      for (const { text, why } of awkwardTexts) {
        const bytes = Buffer.byteLength(text)
        expect(await throughCopy(warehouse, [text]), why).toEqual([{ tag_id: text, bytes }])
      }
    }))

  test('COPY text comes back byte for byte', () =>
    withDatabase(async (_, __, warehouse) => {
      const texts = fc.array(fc.oneof(anyText, awkwardText), { minLength: 1, maxLength: 200 })
      await fc.assert(
        fc.asyncProperty(texts, async (sent) => {
          const stored = await throughCopy(warehouse, sent)
          expect(stored.map(({ tag_id }) => tag_id)).toEqual(sent)
          expect(stored.map(({ bytes }) => bytes)).toEqual(
            sent.map((text) => Buffer.byteLength(text)),
          )
        }),
        { numRuns: 40 },
      )
    }))

  test('copyValue writes null and undefined as null, unlike the text \\N', () =>
    withDatabase(async (db, _, warehouse) => {
      const details = [null, undefined, '\\N', 'null', '']
      const rows = details.map((detail, referral_no) => ({
        ...{
          partner_account_key: 1,
          referral_id: 'r',
          rule_code: 'c',
          item_ref: '',
          severity: 'info',
        },
        referral_no,
        detail,
      }))
      await stage(warehouse, { 'stg.dq_finding': rows })
      const stored = await db
        .selectFrom('stg.dq_finding')
        .select('detail')
        .orderBy('referral_no')
        .execute()
      expect(stored.map(({ detail }) => detail)).toEqual([null, null, '\\N', 'null', ''])
    }))

  test('COPY text that is larger than one flush arrives whole and in order', () =>
    withDatabase(async (_, __, warehouse) => {
      const texts = Array.from({ length: 300 }, (___, index) => `${index} ${'é\\'.repeat(2_000)}`)
      const stored = await throughCopy(warehouse, texts)
      expect(stored.map(({ tag_id }) => tag_id)).toEqual(texts)
    }))

  test.each([
    [true, 't'],
    [false, 'f'],
    [-12, '-12'],
    [9_223_372_036_854_775_807n, '9223372036854775807'],
    ['12.5000', '12.5000'],
  ])('copyValue writes %o as %s', (value, text) => expect(copyValue(value)).toBe(text))
})

/** Two different values of every type that a staging table has. */
const samples: Readonly<Record<string, readonly [unknown, unknown]>> = {
  text: ['a', 'b'],
  integer: [1, 2],
  smallint: [1, 2],
  bigint: ['1', '9223372036854775807'],
  numeric: ['0.500000', '0.500001'],
  boolean: [true, false],
  date: ['2025-01-01', '2025-01-02'],
  jsonb: ['{"a": 1}', '{"a": 2}'],
  'timestamp with time zone': ['2025-01-01T00:00:00.000001Z', '2025-01-01T00:00:00.000002Z'],
}

const hashedTables = (Object.keys(tables) as (keyof typeof tables)[]).filter(
  (name): name is StageTable =>
    name.startsWith('stg.') && (tables[name].columns as readonly string[]).includes('row_hash'),
)
const identity = ['partner_account_key', 'referral_no', 'etag']

/** Rows of a table as first sample, then one more for each column in which only it differs. */
async function variations(warehouse: Warehouse, table: StageTable) {
  const found = await sql<{ name: string; type: string }>`
    select column_name as name, data_type as type from information_schema.columns
    where concat_ws('.', table_schema, table_name) = ${table} and column_name <> 'row_hash'
    order by ordinal_position`.execute(warehouse.query)
  const columns = found.rows.map(({ name, type }) => ({ name, values: samples[type] ?? [] }))
  const first = Object.fromEntries(columns.map(({ name, values }) => [name, values[0]]))
  const others = columns.map(({ name, values }) => ({ ...first, [name]: values[1] }))
  return { names: columns.map(({ name }) => name), rows: [first, ...others] }
}

async function hashesOf(warehouse: Warehouse, table: StageTable): Promise<string[]> {
  const stored = await sql<{ row_hash: string }>`
    select row_hash::text as row_hash from ${sql.table(table)} order by ctid
  `.execute(warehouse.query)
  return stored.rows.map(({ row_hash }) => row_hash)
}

describe('row_hash', () => {
  test('row_hash differs with every column but account, referral number and etag', () =>
    withDatabase(async (_, __, warehouse) => {
      expect(hashedTables).toHaveLength(18)
      for (const table of hashedTables) {
        const { names, rows } = await variations(warehouse, table)
        await stage(warehouse, { [table]: rows })
        const [first, ...others] = await hashesOf(warehouse, table)
        const same = names.filter((____, index) => others[index] === first)
        expect(same, table).toEqual(names.filter((name) => identity.includes(name)))
        expect(new Set([first, ...others]).size, table).toBe(rows.length - same.length)
      }
    }))

  test('row_hash distinguishes null from the text \\N, from an empty text and from a value one column later', () => {
    const format = { unhashed: [], natural: ['left'], shared: ['right'], hasRowHash: true }
    const rows = [
      { left: null, right: 'a' },
      { left: '\\N', right: 'a' },
      { left: '', right: 'a' },
      { left: 'a', right: null },
      { left: 'a\t\\N', right: '' },
      { left: 'a\t', right: 'a' },
      { left: 'a', right: '\ta' },
    ]
    expect(new Set(rows.map((row) => copyLine(row, format).split('\t').at(-1))).size).toBe(7)
  })

  test('row_hash is the first eight bytes of sha-256 over the COPY text, as the server computes it', () =>
    withDatabase(async (db, _, warehouse) => {
      const rows = fc.sample(fc.tuple(awkwardText, awkwardText, fc.boolean()), 200)
      const aRow = { partner_account_key: 1, details_notes: '', invite_notes: '' }
      const staged = rows.map(([details_notes, invite_notes, isNull], referral_no) => ({
        ...{ ...aRow, referral_no, details_notes },
        invite_notes: isNull ? null : invite_notes,
      }))
      await stage(warehouse, { 'stg.referral_text': staged })
      // The escapes and the digest once more, by the server.
      const escaped = (name: string) => sql`coalesce(replace(replace(replace(replace(
        ${sql.ref(name)}, '\\', '\\\\'), chr(9), '\\t'), chr(10), '\\n'), chr(13), '\\r'), '\\N')`
      const computed = await sql<{ differs: number; rows: number }>`
        select count(*) as rows, count(*) filter (where row_hash <> (
          'x' || left(encode(sha256(convert_to(
            ${escaped('details_notes')} || chr(9) || ${escaped('invite_notes')} || chr(9), 'UTF8'
          )), 'hex'), 16))::bit(64)::bigint) as differs
        from stg.referral_text`.execute(db)
      expect(computed.rows).toEqual([{ rows: 200, differs: 0 }])
    }))

  test('row_hash of a known row never changes: every stored hash would have to be rebuilt', () => {
    const format = {
      unhashed: ['referral_no'],
      natural: ['name'],
      shared: ['amount'],
      hasRowHash: true,
    }
    const line = copyLine({ referral_no: 7, name: 'Sense \\ Shelf', amount: '12.5000' }, format)
    expect(line).toBe('7\tSense \\\\ Shelf\t12.5000\t7080782242808667111\n')
  })
})
