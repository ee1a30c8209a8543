import { sql } from 'kysely'
import type pg from 'pg'
import { CosellError } from '../../errors.ts'
import { isShared } from '../connection/client.ts'
import { AnswerTooLarge, codeOf, databaseFailure, type Warehouse } from '../connection/database.ts'
import { beginText } from '../connection/session.ts'
import type { Reader } from './open-reader.ts'

export interface AskLimits {
  /** Rows that are returned at most. */
  readonly rowsMax: number
  /** Bytes of the values that are returned at most, as text. */
  readonly bytesMax: number
  /** Milliseconds for the whole statement. */
  readonly timeoutMs: number
  /** Tables and views that the statement may not read, by whatever way. */
  readonly refused?: readonly string[]
  /** Ends the statement when its asker is gone. */
  readonly signal?: AbortSignal
}

export interface AskedColumn {
  readonly name: string
  /** As PostgreSQL spells it, such as `numeric(19,4)`. */
  readonly type: string
}

/** Rows of a statement: each value as PostgreSQL writes it, or null. */
export interface Answer {
  readonly columns: readonly AskedColumn[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** Which limit left rows out; null when all are there. */
  readonly cutBy: 'rows' | 'bytes' | null
}

/** Rows that travel at a time at most. */
const fetchedRowsMax = 200
/** How much more than before is fetched, so that a few wide rows do not fill the connection. */
const growth = 4
/** What may be received beyond the values that are returned: the last rows, and their framing. */
const spareBytes = 16 * 2 ** 20
/** Time for the server to end the statement itself. */
const graceMs = 2_000

/** SQLSTATE query_canceled, of a statement that took too long. */
const canceled = '57014'
/** SQLSTATE insufficient_privilege. */
const notPermitted = '42501'

/** Statements that a cursor takes; others that read, and are short. */
const queries = ['select', 'with', 'values', 'table']
const directs = ['show', 'explain']

/**
 * Runs one statement of somebody else as the reader, on a connection of its own, in a read-only
 * transaction that is rolled back: no setting of it is left, and nothing that it started.
 *
 * @throws CosellError `sql.not_a_query` for anything but one statement that reads, `sql.failed` for what
 * PostgreSQL says against it, `sql.timeout`, `sql.too_large`; `reader.no_login` as `Reader.connect`.
 */
export async function ask(reader: Reader, statement: string, limits: AskLimits): Promise<Answer> {
  const verb = verbOf(statement)
  if (![...queries, ...directs].includes(verb)) throw notAQuery(verb)
  requireAsker(limits)
  const warehouse = await reader.connect({
    receivedBytesMax: limits.bytesMax + spareBytes,
    // A statement is silent until its first row.
    silentMsMax: limits.timeoutMs + 2 * graceMs,
  })
  try {
    return await untilEnded(reader, warehouse, limits, (client) =>
      askOn(client, statement, { isDirect: directs.includes(verb), ...limits }),
    )
  } catch (error) {
    throw askFailure(error, statement, limits)
  } finally {
    await warehouse.close()
  }
}

/**
 * Runs `use`, and ends it at the deadline or when its asker is gone. The timeout of the server is not
 * enough: it begins again with each fetch, and a statement may turn it off.
 */
async function untilEnded<T>(
  reader: Reader,
  warehouse: Warehouse,
  limits: AskLimits,
  use: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const { timeoutMs, signal } = limits
  const client = await warehouse.pool.connect()
  let reason: CosellError | undefined
  const end = async (why: CosellError) => {
    reason ??= why
    const { pid } = warehouse.session
    // The server would notice a closed connection only when it sends something.
    await reader
      .read((query) => sql`select pg_terminate_backend(${pid})`.execute(query))
      .catch(() => undefined)
    warehouse.abandon(why)
  }
  const onAbort = () => void end(nobodyWaits())
  const deadline = setTimeout(() => void end(timedOut(timeoutMs)), timeoutMs + graceMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    // A signal that was aborted before tells nobody.
    requireAsker(limits)
    return await use(client)
  } catch (error) {
    throw reason ?? error
  } finally {
    clearTimeout(deadline)
    signal?.removeEventListener('abort', onAbort)
    // Destroyed, not returned: what the statement left in the session goes with it.
    client.release(true)
  }
}

async function askOn(
  client: pg.PoolClient,
  statement: string,
  { isDirect, rowsMax, bytesMax, timeoutMs, refused = [] }: AskLimits & { isDirect: boolean },
): Promise<Answer> {
  await client.query(beginText(isShared(client), 'isolation level repeatable read read only'))
  await client.query(`set local statement_timeout = ${timeoutMs}; set local jit = off`)
  let fields: readonly pg.FieldDef[]
  let cutBy: Answer['cutBy'] = null
  const rows: Row[] = []
  let bytes = 0
  const take = (found: readonly Row[]) => {
    for (const row of found) {
      bytes += row.reduce((sum, value) => sum + Buffer.byteLength(value ?? ''), 0)
      cutBy ??= rows.length === rowsMax ? 'rows' : bytes > bytesMax ? 'bytes' : null
      if (cutBy !== null) return
      rows.push(row)
    }
  }
  if (isDirect) {
    const result = await client.query(asText(statement))
    fields = result.fields
    take(result.rows)
  } else {
    await client.query(asText(declared + statement))
    for (let wanted = 1; ; ) {
      // One more than is returned says whether rows are left out.
      const count = Math.min(wanted, rowsMax + 1 - rows.length)
      const result = await client.query(asText(`fetch ${count} from asked`))
      fields = result.fields
      take(result.rows)
      if (cutBy !== null || result.rows.length < count) break
      const fitting = Math.ceil(((bytesMax - bytes) * rows.length) / Math.max(bytes, 1))
      wanted = Math.max(1, Math.min(count * growth, fetchedRowsMax, fitting))
    }
  }
  if (refused.length > 0) await refuseRead(client, refused)
  return { columns: await columnsOf(client, fields), rows, cutBy }
}

type Row = (string | null)[]

/** One line, so that the place of an error is that of the statement. */
const declared = 'declare asked no scroll cursor for '

/** The extended protocol takes one statement alone, whatever the text is; values stay text. */
function asText(text: string): pg.QueryArrayConfig {
  const types = { getTypeParser: () => (value: string) => value }
  return { text, rowMode: 'array', types, queryMode: 'extended' } as pg.QueryArrayConfig
}

/**
 * What a statement reads is locked until its transaction ends, also what a function in it reads by a
 * text of SQL.
 */
async function refuseRead(client: pg.PoolClient, refused: readonly string[]) {
  const { rows } = await client.query<{ name: string }>(
    `select held.relation::regclass::text as name
    from pg_catalog.pg_locks held
    where held.pid = pg_catalog.pg_backend_pid()
      and held.relation in (select pg_catalog.to_regclass(name) from unnest($1::text[]) name)`,
    [refused],
  )
  const [found] = rows
  if (found === undefined) return
  throw new CosellError('sql.refused', `SQL: ${found.name} is not shown here. Leave it out.`)
}

async function columnsOf(
  client: pg.PoolClient,
  fields: readonly pg.FieldDef[],
): Promise<AskedColumn[]> {
  const { rows } = await client.query<{ type: string }>(
    `select pg_catalog.format_type(field.type, field.modifier) as type
    from unnest($1::oid[], $2::integer[]) with ordinality as field (type, modifier, place)
    order by field.place`,
    [fields.map(({ dataTypeID }) => dataTypeID), fields.map((field) => field.dataTypeModifier)],
  )
  return fields.map(({ name }, index) => ({ name, type: rows[index]?.type ?? 'text' }))
}

/** First word of a statement, in lower case, after comments and opening brackets. */
function verbOf(statement: string): string {
  const text = statement.replace(/^(?:\s|\(|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '')
  return /^\w*/.exec(text)?.[0].toLowerCase() ?? ''
}

/** Refuses a statement whose asker left while it waited for its turn. */
function requireAsker({ signal }: AskLimits) {
  if (signal?.aborted) throw nobodyWaits()
}

function nobodyWaits(): CosellError {
  return new CosellError('sql.timeout', 'SQL: nobody waits for it any more.')
}

function notAQuery(verb: string): CosellError {
  const text =
    `SQL: expected one statement that reads (${[...queries, ...directs].join(', ')}), got ` +
    `${verb === '' ? 'none' : verb}.`
  return new CosellError('sql.not_a_query', text)
}

function timedOut(timeoutMs: number): CosellError {
  const text =
    `SQL: expected an answer within ${timeoutMs / 1_000} seconds, got none. Ask for less: fewer days of ` +
    'mart.pipeline_as_of, an account, a limit.'
  return new CosellError('sql.timeout', text)
}

function askFailure(error: unknown, statement: string, limits: AskLimits): unknown {
  if (error instanceof CosellError) return error
  if (error instanceof AnswerTooLarge) {
    const text = `SQL: expected values of at most ${limits.bytesMax} bytes, got more. Ask for fewer rows or columns.`
    return new CosellError('sql.too_large', text)
  }
  const code = codeOf(error)
  if (code === canceled) return timedOut(limits.timeoutMs)
  const isOfStatement = /^(0A|21|22|23|25|26|2F|34|39|42|44|54)\w{3}$/.test(code)
  if (!isOfStatement) return databaseFailure(error)
  const { message, position, hint } = error as pg.DatabaseError
  const advice = code === notPermitted ? 'The reader reads the schemas mart and dw.' : (hint ?? '')
  const text = `SQL${placeIn(statement, position)}: ${message}. ${advice}`.trim()
  return new CosellError('sql.failed', text, { cause: error })
}

/** `, line 2, column 8`, of a place that is counted from the beginning of the cursor's text. */
function placeIn(statement: string, position: string | undefined): string {
  if (position === undefined) return ''
  const isDirect = directs.includes(verbOf(statement))
  const before = statement.slice(0, Number(position) - 1 - (isDirect ? 0 : declared.length))
  const lines = before.split('\n')
  return `, line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
