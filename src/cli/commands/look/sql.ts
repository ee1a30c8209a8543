import { fstatSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { loadConfig } from '../../../config.ts'
import { csvLine } from '../../../export/csv-writer.ts'
import { rowObjects } from '../../../warehouse/reader/answer-rows.ts'
import { type Answer, ask } from '../../../warehouse/reader/ask.ts'
import type { Reader } from '../../../warehouse/reader/open-reader.ts'
import { type JsonFlag, printAnswer, printData, printNotice } from '../../output.ts'
import { formatCount } from '../../text/grid.ts'
import { renderAnswer } from '../../text/look/answer.ts'
import { withReader } from '../../with-warehouse.ts'

export type SqlFlags = JsonFlag & {
  readonly format: 'table' | 'csv'
  readonly rows: number
  readonly timeout: number
}

/** Values of an answer at most: it is held in memory until it is printed. */
const bytesMax = 64 * 2 ** 20

/** What is asked where nothing else is: the marts, each with its questions. */
const marts = `
  select
    'mart.' || relation.relname as mart,
    (regexp_match(obj_description(relation.oid, 'pg_class'), 'Answers: (.*[?])'))[1] as answers
  from pg_catalog.pg_class relation
  where relation.relnamespace = 'mart'::regnamespace and relation.relkind = 'v'
  order by relation.relname`

/** Runs one statement as the reader, and prints its rows. */
export async function runSql(query: string | undefined, flags: SqlFlags) {
  const { json, format, rows: rowsMax, timeout } = flags
  const statement = query ?? (await pipedIn()) ?? marts
  const show = async (reader: Reader) => {
    const answer = await ask(reader, statement, { rowsMax, bytesMax, timeoutMs: timeout * 1_000 })
    if (json) return printAnswer(json, answerJson(answer), () => '')
    if (answer.cutBy !== null) printNotice(leftOut(answer))
    printData((style) => (format === 'csv' ? csvOf(answer) : renderAnswer(answer, style)))
  }
  await withReader(loadConfig(), show)
}

/** Returns the statement of a pipe or file; undefined for a terminal, or a scheduler without input. */
async function pipedIn(): Promise<string | undefined> {
  return fstatSync(process.stdin.fd).isCharacterDevice() ? undefined : textOf(process.stdin)
}

function answerJson(answer: Answer) {
  const { columns, cutBy: cut_by } = answer
  return { status: 'ok', columns, rows: rowObjects(answer), cut_by }
}

function csvOf({ columns, rows }: Answer): string {
  return [columns.map(({ name }) => name), ...rows].map(csvLine).join('').slice(0, -1)
}

function leftOut({ rows, cutBy }: Answer): string {
  const advice = cutBy === 'rows' ? 'Give a larger --rows.' : 'Ask for fewer columns or rows.'
  return `cosell sql: the first ${formatCount(rows.length)} rows, and there are more. ${advice}`
}
