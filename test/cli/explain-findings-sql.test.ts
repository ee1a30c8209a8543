import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Kysely } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { anAccount, load } from '../support/load-referrals.ts'
import { aReferral, aRegistration, referralId } from '../support/referral-builder.ts'
import { type CliResult, resultOf, runCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

const aContract = aRegistration().contract

interface Asking {
  readonly db: Kysely<Database>
  readonly home: string
  /** Settings of a login of the program, and of one that only reads. */
  readonly env: { COSELL_DATABASE_URL: string; COSELL_READER_DATABASE_URL: string }
  run(...args: string[]): Promise<CliResult>
}

/** A referral in a country that is none, whose customer has a name that would steer a terminal. */
const odd = aReferral({
  name: 'Sensors\u001b[2J\u0007 for\nwarehouses',
  customerProfile: {
    ...aReferral().customerProfile,
    address: { ...aReferral().customerProfile?.address, country: 'Call Ida on Monday' },
  } as never,
  details: { ...aReferral().details, dealValue: 0 } as never,
})

function asking(use: (asking: Asking) => Promise<void>, wire: unknown = aReferral()) {
  return withHome((home) =>
    withDatabase(async (db, url, warehouse) => {
      await load(await anAccount(warehouse), [wire])
      await asLogin(url, ['cosell_bi'], (reader) => {
        const env = { COSELL_DATABASE_URL: url, COSELL_READER_DATABASE_URL: reader.url }
        const run = (...args: string[]) => runCli(args, { cwd: home, env })
        return use({ db, home, env, run })
      })
    }),
  )
}

describe('cosell explain', () => {
  test('text says each amount with its formula, and that nothing differs', () =>
    asking(async ({ run }) => {
      const { code, stdout, stderr } = await run('explain', referralId)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('Status        Closed / Won')
      expect(stdout).toMatch(
        /None: \d+ values of \d+ rows were recomputed as the warehouse has them\./,
      )
      expect(stdout).toContain('Annual contract value: 40000 = 120000 × 12 ÷ 36')
      expect(stdout.replace(/\s+/g, ' ')).toContain(
        '33333.33 = 100000 × 12 ÷ 36 = 33333.3333333333…, rounded to 0.01',
      )
      expect(stdout).toMatch(/^ +2 +2026-12-01 +2027-11-30 +24 of 36 +33333\.34 +66666\.67/m)
      // Dollars are the reporting currency.
      expect(stdout).not.toContain('÷ 1\n')
      expect(stdout).toMatch(/^Year +From +To +Months so far +Line/m)
      expect(stdout).not.toMatch(/Ida|Olav|noon/)
    }))

  test('a star that differs is said to, in text and in JSON', () =>
    asking(async ({ db, run }) => {
      await sql`update dw.fact_referral set deal_value_amount = 5`.execute(db)
      const text = await run('explain', referralId)
      expect(text.code).toBe(0)
      expect(text.stdout.replace(/\s+/g, ' ')).toContain(
        'dw.fact_referral.deal_value_amount: expected 120000.0000, the warehouse has 5.0000.',
      )
      expect(text.stdout).toContain(' rebuild` brings the warehouse')
      const { explanation } = resultOf(await run('explain', referralId, '--json'))
      expect(explanation).toMatchObject({
        comparison: {
          differences: [
            { column: 'deal_value_amount', expected: '120000.0000', warehouse: '5.0000' },
            { table: 'mart.referral', column: 'deal_value_reporting_amount' },
          ],
        },
      })
    }))

  test('a value of the source does not steer the terminal', () =>
    asking(
      async ({ run }) => {
        const { stdout } = await run('explain', referralId)
        expect(stdout).toContain('registrations[1].contract.term                        Fin [2Jite')
        expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
      },
      aReferral({
        registrations: [aRegistration({ contract: { ...aContract, term: 'Fin\u001b[2Jite' } })],
      }),
    ))

  test('people are shown with --people alone', () =>
    asking(async ({ run }) => {
      expect((await run('explain', referralId, '--people')).stdout).toContain('ida@example.com')
      expect((await run('explain', referralId, '--json')).stdout).not.toContain('example.com')
    }))

  test.each([
    {
      args: ['nowhere'],
      code: 2,
      says: 'expected the id of a referral that is loaded, got "nowhere"',
    },
    { args: [referralId, '--account', 'south'], code: 2, says: 'no account "south"' },
    { args: [], code: 2, says: "missing required argument 'referral-id'" },
  ])('cosell explain $args ends with $code', ({ args, code, says }) =>
    asking(async ({ run }) => {
      const end = await run('explain', ...args)
      expect(end).toMatchObject({ code, stdout: '' })
      expect(end.stderr).toContain(says)
    }),
  )
})

describe('cosell findings', () => {
  test('each rule has its meaning and what to do, and no text that people typed', () =>
    asking(async ({ run }) => {
      const { code, stdout } = await run('findings')
      expect(code).toBe(0)
      const text = stdout.replace(/\s+/g, ' ')
      expect(text).toContain(
        'zero_value (warn): 1 finding, 1 referral An amount is zero. Enter the amount',
      )
      expect(text).toContain(`${referralId} details.dealValue 0`)
      expect(text).toContain('unknown_country (warn): 1 finding, 1 referral')
      expect(text).toContain(`${referralId} customerProfile.address.country (`)
      expect(text).not.toContain('Ida')
      const json = await run('findings', '--rule', 'unknown_country', '--json')
      expect(json.stdout).not.toContain('Ida')
      expect(resultOf(json)).toMatchObject({
        status: 'ok',
        rules: [
          {
            rule_code: 'unknown_country',
            findings: 1,
            referrals: 1,
            shown: [{ account: 'north', referral_id: referralId, observed_value: null }],
          },
        ],
      })
    }, odd))

  test('three findings of each rule are shown, and all of a rule that is asked for', () =>
    withHome((home) =>
      withDatabase(async (_, url, warehouse) => {
        const many = Array.from({ length: 5 }, (_, no) =>
          aReferral({
            id: `5d3f9a10-0000-4000-8000-00000000001${no}`,
            registrations: [aRegistration({ contract: { value: 0, currency: 'USD' } })],
          }),
        )
        await load(await anAccount(warehouse), many)
        const options = { cwd: home, env: { COSELL_DATABASE_URL: url } }
        const shown = (text: string) => text.match(/^ {4}5d3f9a10/gm)?.length
        const few = await runCli(['findings', '--account', 'north'], options)
        const [, zero = ''] = /(zero_value [\s\S]*?)(\n\n|$)/.exec(few.stdout) ?? []
        expect(shown(zero)).toBe(3)
        expect(zero).toContain('and 2 more')
        expect(shown((await runCli(['findings', '--rule', 'zero_value'], options)).stdout)).toBe(5)
        const status = await runCli(['status'], options)
        expect(status.stdout).toContain(' findings` lists the findings')
      }),
    ))

  test('an unknown rule is refused with the names of the rules', () =>
    asking(async ({ run }) => {
      const end = await run('findings', '--rule', 'zero')
      expect(end.code).toBe(2)
      expect(end.stderr).toContain('zero_value; got zero.')
      expect((await run('findings')).stdout).toContain('There is no open finding.')
    }))
})

describe('cosell sql', () => {
  test('rows are a table, CSV or JSON', () =>
    asking(async ({ run }) => {
      const query = `select 1.50 as amount, 'a,b' as text, null as nothing, '' as empty`
      expect((await run('sql', query)).stdout).toBe(
        'amount  text  nothing  empty\n  1.50  a,b\n\n(1 row)\n',
      )
      expect((await run('sql', query, '--format', 'csv')).stdout).toBe(
        'amount,text,nothing,empty\n1.50,"a,b",,""\n',
      )
      expect(resultOf(await run('sql', query, '--json'))).toEqual({
        status: 'ok',
        columns: [
          { name: 'amount', type: 'numeric' },
          { name: 'text', type: 'text' },
          { name: 'nothing', type: 'text' },
          { name: 'empty', type: 'text' },
        ],
        rows: [{ amount: '1.50', text: 'a,b', nothing: null, empty: '' }],
        cut_by: null,
      })
    }))

  test('a value of the source does not steer the terminal, and is whole in CSV', () =>
    asking(async ({ run }) => {
      const query = `select E'Sensors\\x1b[2J for\\nwarehouses, by \`cosell run\`' as name`
      expect((await run('sql', query)).stdout).toBe(
        'name\nSensors [2J for warehouses, by `cosell run`\n\n(1 row)\n',
      )
      expect((await run('sql', query, '--format', 'csv')).stdout).toBe(
        'name\n"Sensors\u001b[2J for\nwarehouses, by `cosell run`"\n',
      )
    }))

  test('the statement may be piped in; without any, the marts are listed with their questions', () =>
    asking(async ({ home, env, run }) => {
      const listed = await run('sql')
      expect(listed.stdout).toMatch(/^mart\.win_rate +what is the win rate by solution play\?$/m)
      const file = path.join(home, 'question.sql')
      await writeFile(file, 'select 7 as seven;\n')
      const piped = await runCli(['sql', '--format', 'csv'], {
        cwd: home,
        env,
        stdin: await readFile(file, 'utf8'),
      })
      expect(piped).toMatchObject({ code: 0, stdout: 'seven\n7\n' })
    }))

  test.each([
    { args: ['sql', ''], stdin: undefined },
    { args: ['sql'], stdin: '\n' },
  ])('an empty statement is none: cosell $args', ({ args, stdin }) =>
    asking(async ({ home, env }) => {
      const end = await runCli(args, { cwd: home, env, ...(stdin === undefined ? {} : { stdin }) })
      expect(end).toMatchObject({ code: 2, stdout: '' })
      expect(end.stderr).toContain('expected one statement that reads')
    }),
  )

  test.each([
    { args: ['--json', '--format', 'csv'], says: 'cannot be used with' },
    { args: ['--timeout', '0'], says: 'Expected a number of seconds from 1 to 900.' },
    { args: ['--timeout', '901'], says: 'Expected a number of seconds from 1 to 900.' },
  ])('cosell sql $args is refused', ({ args, says }) =>
    asking(async ({ run }) => {
      const end = await run('sql', 'select 1', ...args)
      expect(end).toMatchObject({ code: 2, stdout: '' })
      expect(end.stderr).toContain(says)
    }),
  )

  test('rows beyond --rows are left out, and standard error says so', () =>
    asking(async ({ run }) => {
      const args = ['sql', 'select n from generate_series(1, 9) n', '--rows', '2']
      const end = await run(...args, '--format', 'csv')
      expect(end).toMatchObject({ code: 0, stdout: 'n\n1\n2\n' })
      expect(end.stderr).toBe(
        'cosell sql: the first 2 rows, and there are more. Give a larger --rows.\n',
      )
      expect(resultOf(await run(...args, '--json'))).toMatchObject({ cut_by: 'rows' })
    }))

  test.each([
    { query: 'drop table dw.fact_referral', code: 2, says: 'expected one statement that reads' },
    { query: 'select * from pii.contact', code: 2, says: 'permission denied for schema pii' },
    { query: 'selct 1', code: 2, says: 'expected one statement that reads' },
    {
      query: 'select wrong',
      code: 2,
      says: 'SQL, line 1, column 8: column "wrong" does not exist',
    },
  ])('cosell sql "$query" ends with $code and says why', ({ query, code, says }) =>
    asking(async ({ run }) => {
      const end = await run('sql', query)
      expect(end).toMatchObject({ code, stdout: '' })
      expect(end.stderr).toContain(says)
    }),
  )

  test('a statement that takes longer than --timeout ends with 75', () =>
    asking(async ({ run }) => {
      const end = await run('sql', 'select pg_sleep(30)', '--timeout', '1')
      expect(end.code).toBe(75)
      expect(end.stderr).toContain('expected an answer within 1 seconds')
    }))

  test('a login of the program that may do more than read does not serve, and how to make one is said', () =>
    asking(async ({ home, env: { COSELL_DATABASE_URL } }) => {
      const end = await runCli(['sql', 'select 1'], { cwd: home, env: { COSELL_DATABASE_URL } })
      expect(end.code).toBe(78)
      expect(end.stderr).toContain('in role cosell_bi')
    }))

  test('a login of the program that only reads serves alone, without COSELL_READER_DATABASE_URL', () =>
    asking(async ({ home, env }) => {
      const alone = { COSELL_DATABASE_URL: env.COSELL_READER_DATABASE_URL }
      const end = await runCli(['sql', 'select 1 as one', '--format', 'csv'], {
        cwd: home,
        env: alone,
      })
      expect(end).toMatchObject({ code: 0, stdout: 'one\n1\n' })
      const findings = await runCli(['findings'], { cwd: home, env: alone })
      expect(findings).toMatchObject({ code: 0, stderr: '' })
    }))

  test('COSELL_READER_DATABASE_URL without COSELL_DATABASE_URL ends with 78', () =>
    asking(async ({ home, env }) => {
      const alone = { COSELL_READER_DATABASE_URL: env.COSELL_READER_DATABASE_URL }
      const end = await runCli(['sql', 'select 1'], { cwd: home, env: alone })
      expect(end.code).toBe(78)
      expect(end.stderr).toContain('no effect without COSELL_DATABASE_URL')
    }))
})
