import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { columnTypeOf } from '../../src/export/column-type.ts'
import { csvWriter } from '../../src/export/csv-writer.ts'
import { DraftFile } from '../../src/export/draft-file.ts'
import { parquetWriter } from '../../src/export/parquet-writer.ts'
import type { ExportColumn, TextRow } from '../../src/export/table-writer.ts'
import { withHome } from '../support/with-pipeline.ts'

const columnsOf = (types: Readonly<Record<string, string>>): ExportColumn[] =>
  Object.entries(types).map(([name, type]) => ({ name, type, stored: columnTypeOf(type) }))

const columns = columnsOf({
  id: 'bigint',
  amount: 'numeric(19,4)',
  label: 'text',
  is_open: 'boolean',
  closed_date: 'date',
  changed_at: 'timestamp with time zone',
  share: 'double precision',
})
const rows: TextRow[] = [
  [
    '9007199254740993',
    '-12.3400',
    'Müller, "Söhne"\nKG',
    'true',
    '2026-06-30',
    '2026-06-30 08:00:00.25+00',
    '0.1',
  ],
  ['1', null, '', 'false', null, null, null],
  ['2', '0.0000', null, null, '1969-12-31', '1969-12-31 23:59:59.999999+00', 'NaN'],
]

type MakeWriter = (draft: DraftFile) => ReturnType<typeof csvWriter>

/** Writes a file and returns its path and what the draft says of it. */
async function written(home: string, make: MakeWriter, batches: readonly TextRow[][]) {
  const file = path.join(home, 'table')
  const draft = await DraftFile.open(file, 0o600)
  const writer = make(draft)
  for (const batch of batches) await writer.add(batch)
  await writer.finish()
  const facts = await draft.finish()
  await draft.publish()
  return { file, ...facts }
}

async function parquetIn(file: string) {
  const bytes = await readFile(file)
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  return { buffer, metadata: await parquetMetadataAsync(buffer) }
}

const asParquet: MakeWriter = (draft) => parquetWriter(draft, columns, 'test')

describe('csvWriter', () => {
  test('csvWriter quotes where it must, and tells a missing value from an empty text', () =>
    withHome(async (home) => {
      const { file } = await written(home, (draft) => csvWriter(draft, columns), [rows])
      expect(await readFile(file, 'utf8')).toBe(
        'id,amount,label,is_open,closed_date,changed_at,share\n' +
          '9007199254740993,-12.3400,"Müller, ""Söhne""\nKG",true,2026-06-30,2026-06-30T08:00:00.25Z,0.1\n' +
          '1,,"",false,,,\n' +
          '2,0.0000,,,1969-12-31,1969-12-31T23:59:59.999999Z,NaN\n',
      )
    }))

  test('csvWriter writes a table without rows as its header', () =>
    withHome(async (home) => {
      const { file } = await written(home, (draft) => csvWriter(draft, columns), [])
      expect(await readFile(file, 'utf8')).toBe(
        'id,amount,label,is_open,closed_date,changed_at,share\n',
      )
    }))
})

describe('parquetWriter', () => {
  test('parquetWriter writes values that another reader finds, and missing ones as null', () =>
    withHome(async (home) => {
      const { buffer } = await parquetIn((await written(home, asParquet, [rows])).file)
      const read = await parquetReadObjects({ file: buffer })
      // That reader makes doubles of decimals; `npm run test:bi` reads them exactly.
      expect(read).toEqual([
        {
          id: 9007199254740993n,
          amount: expect.closeTo(-12.34, 10),
          label: 'Müller, "Söhne"\nKG',
          is_open: true,
          closed_date: new Date('2026-06-30'),
          changed_at: new Date('2026-06-30T08:00:00.250Z'),
          share: 0.1,
        },
        {
          id: 1n,
          amount: null,
          label: '',
          is_open: false,
          closed_date: null,
          changed_at: null,
          share: null,
        },
        {
          id: 2n,
          amount: 0,
          label: null,
          is_open: null,
          closed_date: new Date('1969-12-31'),
          changed_at: expect.any(Date),
          share: Number.NaN,
        },
      ])
    }))

  test('parquetWriter declares decimals with the digits of the catalog, days and instants in UTC', () =>
    withHome(async (home) => {
      const { metadata } = await parquetIn((await written(home, asParquet, [])).file)
      expect(metadata.num_rows).toBe(0n)
      const types = metadata.schema.slice(1).map(({ name, logical_type }) => [name, logical_type])
      expect(Object.fromEntries(types)).toMatchObject({
        amount: { type: 'DECIMAL', precision: 19, scale: 4 },
        closed_date: { type: 'DATE' },
        changed_at: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
        label: { type: 'STRING' },
      })
      const repetitions = metadata.schema.slice(1).map((column) => column.repetition_type)
      expect(new Set(repetitions)).toEqual(new Set(['OPTIONAL']))
    }))

  test('parquetWriter cuts many rows into groups, whatever the size of the batches', () =>
    withHome(async (home) => {
      const many = Array.from({ length: 45_000 }, (_, index) => [String(index), '1.0000'])
      const narrow = columnsOf({ id: 'integer', amount: 'numeric(19,4)' })
      const batches = [many.slice(0, 7), many.slice(7, 30_000), many.slice(30_000)]
      const { file } = await written(home, (draft) => parquetWriter(draft, narrow, 'test'), batches)
      const { buffer, metadata } = await parquetIn(file)
      expect(metadata.row_groups.map(({ num_rows }) => num_rows)).toEqual([
        20_000n,
        20_000n,
        5_000n,
      ])
      const ids = (await parquetReadObjects({ file: buffer, columns: ['id'] })).map(({ id }) => id)
      expect(ids).toEqual(many.map(([id]) => Number(id)))
    }))

  test.each([
    ['numeric(19,4)', 'NaN', 'a number'],
    ['date', 'infinity', 'a day of the years 1 to 9999'],
    ['timestamp with time zone', '-infinity', 'an instant of the years 1 to 9999'],
  ])('both formats refuse a %s of %s with the column and the value', (type, value, expected) =>
    withHome(async (home) => {
      const odd = columnsOf({ odd: type })
      for (const make of [csvWriter, parquetWriter]) {
        const draft = await DraftFile.open(path.join(home, 'odd'), 0o600)
        const adding = async () => make(draft, odd, 'test').add([[value]])
        await expect(adding()).rejects.toThrow(`odd: expected ${expected}, got ${value}`)
        await draft.discard()
      }
    }),
  )
})

describe('DraftFile', () => {
  test('a draft has the hash, the size and the rights of the file that it becomes', () =>
    withHome(async (home) => {
      const { file, bytes, sha256 } = await written(home, asParquet, [rows])
      const content = await readFile(file)
      expect(bytes).toBe(content.length)
      expect(sha256).toBe(createHash('sha256').update(content).digest('hex'))
      expect((await stat(file)).mode & 0o777).toBe(0o600)
    }))

  test('a discarded draft leaves nothing, and the file before it stays', () =>
    withHome(async (home) => {
      const { file } = await written(home, (draft) => csvWriter(draft, columns), [])
      const before = await readFile(file, 'utf8')
      const draft = await DraftFile.open(file, 0o600)
      await draft.write(new TextEncoder().encode('half'))
      await draft.discard()
      expect(await readdir(home)).toEqual(['table'])
      expect(await readFile(file, 'utf8')).toBe(before)
    }))
})
