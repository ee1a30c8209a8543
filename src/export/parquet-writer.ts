import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { DraftFile } from './draft-file.ts'
import { type ExportColumn, storing, type TableWriter, type TextRow } from './table-writer.ts'
import { dayNumber, microseconds, unscaled } from './values.ts'

/** Rows that are in memory at a time; readers skip groups by their least and greatest values. */
const groupRows = 20_000

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema']
type SchemaElement = Schema[number]
type Value = string | number | bigint | boolean

/** Writes Parquet, a group of rows at a time; each group goes to the file and leaves memory. */
export function parquetWriter(
  file: DraftFile,
  columns: readonly ExportColumn[],
  createdBy: string,
): TableWriter {
  const writer = new ParquetWriter({
    writer: new DraftWriter(file),
    schema: [{ name: 'schema', num_children: columns.length }, ...columns.map(elementOf)],
    createdBy,
  })
  const converters = columns.map(converterOf)
  let held: (Value | null)[][] = columns.map(() => [])
  let heldRows = 0
  const writeGroup = async () => {
    if (heldRows === 0) return
    const columnData = columns.map(({ name }, index) => ({ name, data: held[index] ?? [] }))
    await writer.write({ columnData, rowGroupSize: groupRows })
    held = columns.map(() => [])
    heldRows = 0
  }
  return {
    async add(rows: readonly TextRow[]) {
      for (const row of rows) {
        for (const [index, convert] of converters.entries()) {
          const text = row[index] ?? null
          held[index]?.push(text === null ? null : convert(text))
        }
        heldRows += 1
        if (heldRows === groupRows) await writeGroup()
      }
    },
    async finish() {
      await writeGroup()
      await writer.finish()
    },
  }
}

/** Hands the bytes of each group to the file; its own buffer is one group. */
class DraftWriter extends ByteWriter {
  constructor(private readonly file: DraftFile) {
    super()
  }
  async flush(): Promise<void> {
    await this.file.write(this.getBytes())
    this.index = 0
  }
  override finish(): Promise<void> {
    return this.flush()
  }
}

function elementOf({ name, stored }: ExportColumn): SchemaElement {
  const column = { name, repetition_type: 'OPTIONAL' } as const
  switch (stored.kind) {
    case 'boolean':
      return { ...column, type: 'BOOLEAN' }
    case 'int32':
      return { ...column, type: 'INT32' }
    case 'int64':
      return { ...column, type: 'INT64' }
    case 'double':
      return { ...column, type: 'DOUBLE' }
    case 'date':
      return { ...column, type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }
    case 'instant':
      return {
        ...column,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      }
    case 'decimal': {
      const { precision, scale } = stored
      return {
        ...column,
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: decimalBytes(precision),
        converted_type: 'DECIMAL',
        precision,
        scale,
        logical_type: { type: 'DECIMAL', precision, scale },
      }
    }
    case 'text':
      return {
        ...column,
        type: 'BYTE_ARRAY',
        converted_type: 'UTF8',
        logical_type: { type: 'STRING' },
      }
  }
}

/** Returns the fewest bytes that hold every number of so many digits, with its sign. */
export function decimalBytes(precision: number): number {
  return Math.ceil((precision * Math.log2(10) + 1) / 8)
}

/** The writer takes a bigint for the unscaled decimal or the microseconds, and writes it as it is. */
function converterOf(column: ExportColumn): (text: string) => Value {
  switch (column.stored.kind) {
    case 'boolean':
      return (text) => text === 'true'
    case 'int32':
    case 'double':
      return Number
    case 'int64':
      return BigInt
    case 'decimal':
      return storing(column, 'a number', unscaled)
    case 'date':
      return storing(column, 'a day of the years 1 to 9999', dayNumber)
    case 'instant':
      return storing(column, 'an instant of the years 1 to 9999', microseconds)
    case 'text':
      return (text) => text
  }
}
