import type { Kysely } from '../warehouse/connection/database.ts'
import { type LateSequence, readLateSequences } from '../warehouse/migrate/sequences.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failed } from './check-result.ts'

/** Checks that the sequences of surrogate keys are not behind their tables. */
export async function checkSequences(query: Kysely<Database>): Promise<CheckResult> {
  return judgeSequences(await readLateSequences(query))
}

function judgeSequences(late: readonly LateSequence[]): CheckResult {
  const check = 'sequences'
  if (late.length === 0) {
    return { check, status: 'ok', detail: 'new keys come after the largest ones' }
  }
  const names = late.map(
    ({ schema_name, table_name, largest }) => `${schema_name}.${table_name} has key ${largest}`,
  )
  const behind = `sequences are behind their tables: ${names.join(', ')}`
  if (late.every(({ may_set }) => may_set)) {
    return failed(check, behind, 'Run `cosell migrate`, which sets them.')
  }
  const statements = late.map(
    ({ schema_name, table_name, column_name, sequence_name }) =>
      `select setval('${sequence_name}', max(${column_name})) from ${schema_name}.${table_name};`,
  )
  return failed(check, behind, `Let the owner of the tables run: ${statements.join(' ')}`)
}
