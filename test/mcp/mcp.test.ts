import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { sql } from 'kysely'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { switchRowSecurity } from '../../src/warehouse/access/switch-row-security.ts'
import type { Kysely, Warehouse } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { anAccount, load } from '../support/load-referrals.ts'
import { aReferral, referralId } from '../support/referral-builder.ts'
import { runCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

/** A client of the SDK, connected to the program over standard input and output. */
interface Connected {
  readonly client: Client
  readonly db: Kysely<Database>
  readonly warehouse: Warehouse
  /** Login of the reader. */
  readonly role: string
  /** Everything that the program wrote to standard error. */
  readonly logged: () => string
  call(name: string, given?: Record<string, unknown>): Promise<Called>
}

interface Called {
  readonly isError: boolean
  readonly text: string
  readonly result: Record<string, unknown>
}

const people = ['Ida', 'ida@example.com', 'Olav', 'olav@example.com', 'Call Ida before noon.']

function withClient(use: (connected: Connected) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withDatabase(async (db, url, warehouse) => {
      await load(await anAccount(warehouse), [aReferral()])
      await asLogin(url, ['cosell_bi'], async (reader) => {
        const client = new Client({ name: 'test', version: '1.0.0' })
        const transport = new StdioClientTransport({
          command: process.execPath,
          args: [inject('programDoor'), 'mcp'],
          cwd: home,
          env: { COSELL_DATABASE_URL: url, COSELL_READER_DATABASE_URL: reader.url },
          stderr: 'pipe',
        })
        let logged = ''
        transport.stderr?.on('data', (chunk) => {
          logged += chunk
        })
        await client.connect(transport)
        // The client checks results by the schemas that it has listed.
        await client.listTools()
        try {
          const { role } = reader
          await use({ client, db, warehouse, role, logged: () => logged, call: callOf(client) })
        } finally {
          await client.close()
        }
      })
    }),
  )
}

function callOf(client: Client): Connected['call'] {
  return async (name, given = {}) => {
    const called = await client.callTool({ name, arguments: given })
    const [content] = called.content
    return {
      isError: called.isError === true,
      text: content?.type === 'text' ? content.text : '',
      result: (called.structuredContent ?? {}) as Record<string, unknown>,
    }
  }
}

/** Statements that would write, or read people, if the tool let them. */
const closed = [
  'delete from dw.fact_referral',
  'select 1; drop table dw.fact_referral',
  'with gone as (delete from dw.fact_referral returning 1) select * from gone',
  'select * from pii.contact',
  'select payload from raw.payload',
  'select * from mart.bi_access',
  `select set_config('role', 'none', true), query_to_xml('select * from pii.contact', true, true, '')`,
  `select set_config('role', 'cosell_owner', true), query_to_xml('delete from dw.fact_referral', true, true, '')`,
  `select query_to_xml('select * from mart.bi_access', true, true, '')`,
  `select pg_read_file('postgresql.conf')`,
  `select * from dblink('dbname=postgres', 'select 1') as one (n int)`,
]

describe('cosell mcp', () => {
  /** What came of each closed statement, and how many referrals were left. */
  const outcomes = new Map<string, unknown>()

  beforeAll(() =>
    withClient(async ({ call, db }) => {
      for (const statement of closed) {
        const { isError, text } = await call('query', { sql: statement })
        const { rows } = await sql<{ left: number }>`
          select count(*) as left from dw.fact_referral`.execute(db)
        outcomes.set(statement, { isError, text, left: rows[0]?.left })
      }
    }),
  )

  test('tools only read, and have schemas that take further keys', () =>
    withClient(async ({ client }) => {
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual([
        'list_marts',
        'describe_mart',
        'query',
        'explain_referral',
      ])
      for (const tool of tools) {
        expect(tool.annotations?.readOnlyHint).toBe(true)
        expect(tool.outputSchema?.additionalProperties).not.toBe(false)
        expect(JSON.stringify(tool)).not.toMatch(
          /"additionalProperties":false[^}]*"outputSchema"|bigint|int64/,
        )
      }
      expect(client.getInstructions()).toContain('list_marts')
    }))

  test('marts have grain, questions and measures whose SQL runs', () =>
    withClient(async ({ call }) => {
      const { result } = await call('list_marts')
      const marts = result.marts as {
        mart: string
        one_row_per: string
        questions: string[]
        measures: { sql: string }[]
      }[]
      const names = marts.map(({ mart }) => mart)
      expect(names).toContain('mart.referral')
      expect(names).not.toContain('mart.bi_access')
      for (const mart of marts) {
        expect(mart.one_row_per, mart.mart).not.toBe('')
        expect(mart.questions.length, mart.mart).toBeGreaterThan(0)
      }
      const statements = marts.flatMap(({ measures }) => measures.map((measure) => measure.sql))
      expect(statements.length).toBeGreaterThan(20)
      for (const statement of statements) {
        expect((await call('query', { sql: statement })).isError, statement).toBe(false)
      }
    }))

  test('a mart is described by its columns, also by its name without the schema', () =>
    withClient(async ({ call }) => {
      const { result } = await call('describe_mart', { mart: 'registration' })
      expect(result.mart).toBe('mart.registration')
      expect(result.columns).toContainEqual({
        name: 'contract_acv_amount',
        type: 'numeric(19,4)',
        meaning: expect.stringContaining('nnual'),
      })
      const unknown = await call('describe_mart', { mart: 'mart.bi_access' })
      expect(unknown).toMatchObject({ isError: true })
      expect(unknown.text).toContain('Expected one of mart.acv_by_fiscal_quarter')
    }))

  test('amounts and large numbers arrive as exact text', () =>
    withClient(async ({ call }) => {
      const { result } = await call('query', {
        sql: `select 999999999999999.9999::numeric(19, 4) as amount, 9007199254740993 as large, 7 as small,
          true as yes, null as nothing, timestamptz '2026-01-05 02:00:00.5+00' as at`,
      })
      expect(result.rows).toEqual([
        {
          amount: '999999999999999.9999',
          large: '9007199254740993',
          small: 7,
          yes: true,
          nothing: null,
          at: '2026-01-05T02:00:00.5Z',
        },
      ])
      expect(result).toMatchObject({ row_count: 1, left_out: null })
    }))

  test('a column that is added to a view does not break a client that is connected', () =>
    withClient(async ({ call, db }) => {
      await sql`create or replace view mart.documented_value as
        select *, 1 as added from (${sql.raw(
          (
            await sql<{
              text: string
            }>`select pg_get_viewdef('mart.documented_value') as text`.execute(db)
          ).rows[0]?.text.replace(/;$/, '') ?? '',
        )}) before`.execute(db)
      const { result, isError } = await call('query', {
        sql: 'select * from mart.documented_value limit 1',
      })
      expect(isError).toBe(false)
      expect(result.rows).toEqual([expect.objectContaining({ added: 1 })])
    }))

  test('rows and bytes beyond the limits are left out, and the result says so', () =>
    withClient(async ({ call }) => {
      const many = await call('query', {
        sql: 'select n from generate_series(1, 5000) n',
        rows: 50,
      })
      expect(many.result.row_count).toBe(50)
      expect(many.result.left_out).toContain('Only the first 50 rows are here')
      const wide = await call('query', {
        sql: `select repeat('"', 10000) as quotes from generate_series(1, 2000)`,
        rows: 2_000,
      })
      // 2 bytes a quotation mark in JSON, and 4 in the text beside it: far below 10 MiB.
      expect(wide.result.row_count).toBeGreaterThan(30)
      expect(wide.result.row_count).toBeLessThan(60)
      expect(wide.result.left_out).toContain('larger than 1048576 bytes')
      expect(wide.text.length).toBeLessThan(2 ** 20 + 1_000)
      const huge = await call('query', { sql: `select repeat('x', 100000000)` })
      expect(huge).toMatchObject({ isError: true })
      expect((await call('query', { sql: 'select 1 as one' })).result.rows).toEqual([{ one: 1 }])
    }))

  test.each(closed)('a way to write, or to people, is closed: %s', (statement) => {
    expect(outcomes.get(statement)).toMatchObject({
      isError: true,
      text: expect.stringContaining('SQL'),
      left: 1,
    })
  })

  test('no tool shows a person, in no row of no mart', () =>
    withClient(async ({ call }) => {
      const { result } = await call('list_marts')
      const texts = [(await call('explain_referral', { referral_id: referralId })).text]
      for (const { mart } of result.marts as { mart: string }[]) {
        const columns = mart === 'mart.pipeline_as_of' ? 'where day_date = current_date' : ''
        const shown = await call('query', { sql: `select * from ${mart} ${columns}`, rows: 2_000 })
        texts.push(shown.text)
      }
      const all = texts.join('\n')
      expect(all).toContain('Puffin Logistics')
      expect(people.filter((one) => all.includes(one))).toEqual([])
    }))

  test('a referral is explained as cosell explain does it', () =>
    withClient(async ({ call }) => {
      const { result, isError } = await call('explain_referral', { referral_id: referralId })
      expect(isError).toBe(false)
      expect(result).toMatchObject({
        account: 'north',
        status: 'Closed / Won',
        comparison: { differences: [] },
      })
      expect(JSON.stringify(result.registrations)).toContain('"formula":"120000 × 12 ÷ 36"')
      const unknown = await call('explain_referral', { referral_id: 'nowhere' })
      expect(unknown).toMatchObject({ isError: true })
      expect(unknown.text).toContain('expected the id of a referral')
    }))

  test('an explanation that its client gives up is ended at the server', () =>
    withClient(async ({ client, db, warehouse }) => {
      const waiting = async () => {
        const { rows } = await sql<{ waiting: number }>`
          select count(*)::integer as waiting
          from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
        return rows[0]?.waiting ?? 0
      }
      const holder = await warehouse.pool.connect()
      try {
        await holder.query('begin; lock table raw.payload')
        const asker = new AbortController()
        const call = client.callTool(
          { name: 'explain_referral', arguments: { referral_id: referralId } },
          { signal: asker.signal },
        )
        const ended = call.catch((error: unknown) => error)
        while ((await waiting()) === 0) await sleep(20)
        asker.abort()
        expect(await ended).toBeInstanceOf(Error)
        while ((await waiting()) > 0) await sleep(20)
      } finally {
        await holder.query('rollback')
        holder.release()
      }
    }))

  test('a reader who may see one account is told nothing of another', () =>
    withClient(async ({ call, db, role, warehouse }) => {
      const other = '5d3f9a10-0000-4000-8000-000000000002'
      const theirs = aReferral({ id: other, name: 'Whale counters' })
      await load(await anAccount(warehouse, 'south'), [theirs])
      expect((await call('explain_referral', { referral_id: other })).isError).toBe(false)
      await switchRowSecurity(db, true)
      await sql`
        insert into etl.bi_access (role_name, partner_account_key)
        select ${role}, partner_account_key
        from dw.dim_partner_account where account_code = 'north'`.execute(db)
      expect((await call('explain_referral', { referral_id: referralId })).isError).toBe(false)
      const hidden = await call('explain_referral', { referral_id: other })
      expect(hidden.isError).toBe(true)
      expect(hidden.text).toContain('which the warehouse does not have')
      const unknown = await call('explain_referral', { referral_id: other, account: 'south' })
      expect(unknown.text).toContain('Expected one of: north.')
      const { result } = await call('query', { sql: 'select referral_id from mart.referral' })
      expect(result.rows).toEqual([{ referral_id: referralId }])
    }))

  test('a failure of the warehouse is not described to the client, but in the log', () =>
    withClient(async ({ call, db, logged }) => {
      await sql`alter view mart.referral rename to referral_of_before`.execute(db)
      await sql`alter schema dw rename to dw_of_before`.execute(db)
      try {
        const { isError, text } = await call('explain_referral', { referral_id: referralId })
        expect(isError).toBe(true)
        expect(text).toBe(
          'The warehouse cannot answer now. Whoever keeps it finds the reason in the log of cosell mcp.',
        )
        expect(logged()).toContain('dw.dim_partner_account')
      } finally {
        await sql`alter schema dw_of_before rename to dw`.execute(db)
      }
    }))

  test('a session ends with 0 when its client leaves', () =>
    withHome((home) =>
      withDatabase((_, url) =>
        asLogin(url, ['cosell_bi'], async (reader) => {
          // Standard input of the process is empty, as after the client has closed it.
          const env = { COSELL_DATABASE_URL: url, COSELL_READER_DATABASE_URL: reader.url }
          const end = await runCli(['mcp'], { cwd: home, env })
          expect(end).toMatchObject({ code: 0, stdout: '' })
        }),
      ),
    ))

  test('a login that may do more than read ends cosell mcp with 78, and says how to make one', () =>
    withHome((home) =>
      withDatabase(async (_, url) => {
        const end = await runCli(['mcp'], { cwd: home, env: { COSELL_DATABASE_URL: url } })
        expect(end).toMatchObject({ code: 78, stdout: '' })
        expect(end.stderr).toContain(
          "create role report_reader login password '…' in role cosell_bi",
        )
        expect(end.stderr).toContain('COSELL_READER_DATABASE_URL')
      }),
    ))
})
