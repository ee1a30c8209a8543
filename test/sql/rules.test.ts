import { type Kysely, sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { backfill } from '../../src/pipeline/backfill/backfill.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import { readFacts } from '../../src/warehouse/connection/session.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import {
  bareText,
  outermost,
  recordStatements,
  type Sent,
  type SentTransaction,
  transactionsOf,
  writesOf,
} from '../support/sent-statements.ts'
import { contextOf, playNights, type TestPipeline, withPipeline } from '../support/with-pipeline.ts'

/*
 * What keeps the SQL fit for a distributed engine, held against the statements that whole runs send.
 * Not held on purpose: the schemas have fixed names, since BI tools and grants know them; readers are
 * not led through a pointer to the published run, since a publish is one transaction; a migration
 * takes an advisory lock for its transaction (Kysely's), which no run does.
 */

let sent: Sent[] = []
let distinct: string[] = []
let transactions: SentTransaction[] = []
let secrets: string[] = []
let settings: Record<string, string> = {}

/** Every kind of load, with referrals that change, vanish, cannot be read, and are refused. */
async function everyKindOfLoad(nights: TestPipeline) {
  const { sandbox, warehouse, home } = nights
  await playNights(nights)
  const environment = contextOf(warehouse, home, [], demoSettings(sandbox.url))
  await backfill(environment, { from: '2026-01-01', to: '2026-03-01' }, { pauseMs: 0 })
}

/** From now on PostgreSQL refuses a row that the transform accepts. */
async function refuseOne({ sandbox, db }: TestPipeline) {
  const refused = sandbox.referrals()[0]?.id ?? ''
  await sql`alter table dw.dim_referral
    add constraint refused check (referral_id <> ${sql.lit(refused)})`.execute(db)
}

beforeAll(() =>
  withPipeline({ referrals: 60, seed: 3, broken: 3, pageCap: 15 }, async (nights) => {
    secrets = valuesIn(nights.sandbox.referrals())
    await refuseOne(nights)
    sent = await recordStatements(() => everyKindOfLoad(nights))
    secrets.push(...valuesIn(nights.sandbox.referrals()))
    settings = await settingsOfClient(nights.db)
    distinct = [...new Set(sent.map(({ text }) => text))]
    transactions = transactionsOf(sent)
  }),
)

/** Texts and amounts that no statement of ours would hold by itself. */
function valuesIn(value: unknown): string[] {
  if (typeof value === 'string') return /^[A-Za-z]*$|^.{0,5}$/.test(value) ? [] : [value]
  if (typeof value === 'number') return value < 1_000 ? [] : [String(value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(valuesIn)
}

async function settingsOfClient(db: Kysely<Database>) {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where source = 'client' order by name`.execute(db)
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

const matching = (pattern: RegExp) => distinct.filter((text) => pattern.test(bareText(text)))

/** What statements do to tables, as `delete from stg.listed_referral`, for those that `which` picks. */
function doneTo(which: RegExp): string[] {
  const done = distinct.flatMap(writesOf).map(({ how, table }) => `${how} ${table}`)
  return [...new Set(done)].filter((text) => which.test(text)).sort()
}

const stored = /^(dw|raw|pii|stg)\./

test('the recorded loads sent every statement that the SQL rules cover', () => {
  const written = new Set(distinct.flatMap(writesOf).map(({ table }) => table))
  for (const table of ['dw.fact_referral', 'dw.bridge_line_incentive', 'pii.contact']) {
    expect(written).toContain(table)
  }
  expect(matching(/^rollback to savepoint/)).not.toEqual([])
  expect(matching(/^copy stg\.dim_referral/)).not.toEqual([])
  expect(matching(/^select .* from raw\.payload as landed/)).not.toEqual([])
  expect(secrets.length).toBeGreaterThan(1_000)
})

describe('statements of a load', () => {
  test.each([
    ['merges', /\bmerge into\b/],
    ['makes or uses a temporary table', /\btemp(orary)?\b/],
    ['takes an advisory lock', /\badvisory/],
    ['listens or notifies', /\b(listen|notify|pg_notify)\b/],
    ['uses large objects', /\blo_\w+\(/],
    ['creates anything', /\b(create|alter|drop) \w+/],
    ['asks for another isolation level', /isolation level (?!read committed)/],
    ['declares a cursor or prepares a statement', /^(declare|prepare|deallocate|discard)\b/],
    ['groups by rollup or cube, or recurs', /\b(rollup|cube|grouping sets|recursive)\b/],
    ['inserts without naming the columns', /\binsert into [\w.]+( as \w+)? (select|values)\b/],
    ['copies without naming the columns', /\bcopy [\w.]+ (from|to)\b/],
  ])('no statement of a load %s', (_, pattern) => {
    expect(matching(pattern)).toEqual([])
  })

  test('no statement of a load changes the session', () => {
    const set = matching(/^set (?!local |constraints )/)
    expect(set).toEqual([])
    const configured = distinct.flatMap(
      (text) => bareText(text).match(/set_config\([^)]*\)/g) ?? [],
    )
    // The first message of a connection alone, and for its own session alone.
    const opening = distinct.filter((text) => text.endsWith(readFacts))
    const ofSessions = opening.flatMap((text) => bareText(text).match(/set_config\([^)]*\)/g) ?? [])
    expect(
      configured.filter((call) => !/, true\)$/.test(call) && !ofSessions.includes(call)),
    ).toEqual([])
    expect(sent.filter(({ name }) => name !== undefined)).toEqual([])
  })

  test('no statement of a load holds a value of a payload: values travel as parameters and by COPY', () => {
    // A number inside a longer one, as in the version 170000, is none of them, nor that of a process.
    const texts = distinct.join('\n').replace(/\b170000\b|pg_backend_pid\(\) <> \d+/g, '')
    expect(secrets.filter((value) => texts.includes(value))).toEqual([])
  })

  test('no statement of a load truncates or locks a table, but to enter a new account', () => {
    expect(doneTo(/^truncate/)).toEqual([])
    expect(doneTo(/^lock/)).toEqual(['lock table dw.dim_partner_account'])
    const modes = matching(/^lock table/).map((text) => bareText(text).replace(/.* in /, ''))
    expect(new Set(modes)).toEqual(new Set(['share row exclusive mode']))
  })

  test('no statement of a load locks rows to read them, or skips locked ones, but for the lease', () => {
    const locking = matching(/\b(for (no key )?update|for (key )?share|skip locked)\b/)
    const ofLease = /^(begin [^;]*; ?)?(savepoint fence; )?(select|update) .*etl\.lease/
    expect(locking.filter((text) => !ofLease.test(bareText(text)))).toEqual([])
  })

  test('no statement of a load selects all columns of a table', () => {
    const stars = matching(
      /select (distinct (on \([^)]*\) )?)?(\w+\.)?\* from (dw|raw|pii|etl|stg)\./,
    )
    expect(stars).toEqual([])
  })

  test('no statement of a load names a table without its schema', () => {
    const unqualified = distinct.flatMap((text) => {
      const bare = bareText(text).replace(/\bis (not )?distinct from\b/g, '')
      const own = [
        ...bare.matchAll(/\b(\w+)(?: \([^)]*\))? as (?:(?:not )?materialized )?\(/g),
      ].map(([, name]) => name)
      const named = bare.matchAll(
        /\b(?:from|join|insert into|(?<!do )update|using|copy|analyze) (?!lateral|stdin)([a-z_]\w*)(?![\w.(])/g,
      )
      return [...named].map(([, name]) => name).filter((name) => !own.includes(name))
    })
    expect(
      unqualified.filter((name) => !['skip', 'set', 'only', 'rows'].includes(name ?? '')),
    ).toEqual([])
  })
})

test('a session of a load has only its name and encoding from its connection string', () => {
  expect(Object.keys(settings).sort()).toEqual(['application_name', 'client_encoding'])
})

/** A row may be met twice by two writers at once, who then wait for each other in the same order. */
const upserts = () =>
  distinct.flatMap((text) => {
    const bare = bareText(text)
    const found = bare.match(/insert into (\S+) .*? on conflict .*/g) ?? []
    return found.map((upsert) => ({ upsert, table: writesOf(upsert)[0]?.table ?? '' }))
  })

describe('upserts of a load', () => {
  test('an upsert of a query sorts its rows by the key', () => {
    const unsorted = upserts()
      .map(({ upsert, table }) => ({ table, rows: upsert.replace(/ on conflict .*/, '') }))
      .filter(({ rows }) => /\) select\b/.test(rows))
      .filter(({ rows }) => !outermost(rows).includes(' order by '))
    // One row at most.
    expect(unsorted.map(({ table }) => table)).toEqual(['dw.fact_finding'])
  })

  test('an upsert sets only values of the incoming row, and constants', () => {
    const computed = upserts().flatMap(({ upsert, table }) => {
      const [, sets = ''] = /do update set (.*)/.exec(upsert) ?? []
      const list =
        outermost(sets)
          .replace(/ +/g, ' ')
          .split(/ where | returning | \)|\)/)[0] ?? ''
      return list
        .split(', ')
        .filter((set) => set !== '' && !/^\w+ = (excluded\.\w+|\d+|''|\$\d+)$/.test(set.trim()))
        .map((set) => `${table}: ${set.trim()}`)
    })
    expect([...new Set(computed)].sort()).toEqual([
      // What is known of a source is not lost when a later run does not know it.
      'etl.account_source: organization_id = coalesce',
      'etl.account_source: tenant_id = coalesce',
      // A ledger: an attempt follows the last one.
      'etl.quarantine: attempts = etl.quarantine.attempts + 1',
    ])
  })
})

describe('statements that write rows', () => {
  const writing = () =>
    distinct.filter((text) => writesOf(text).some(({ table }) => stored.test(table)))

  test('a statement that writes rows reads neither clock nor random values', () => {
    const volatile =
      /\b(now|clock_timestamp|statement_timestamp|random|gen_random_uuid)\(|\bcurrent_(date|time)/
    const asking = writing().filter((text) => volatile.test(bareText(text)))
    const tables = asking.flatMap(writesOf).map(({ table }) => table)
    // Amounts of later days need no rate yet: findings are made for the day of their transaction.
    expect([...new Set(tables)].sort()).toEqual(['dw.dim_partner_account', 'dw.fact_finding'])
  })

  test('a statement that writes rows changes a table once, or two disjoint sets of its rows', () => {
    const twice = distinct.filter((text) => {
      const written = writesOf(text)
      return new Set(written.map(({ table }) => table)).size < written.length
    })
    // One part deletes the findings whose item, the deals whose id and the spans whose key is not among
    // those that the other part writes.
    const tables = twice.flatMap(writesOf).map(({ table }) => table)
    expect(new Set(tables)).toEqual(
      new Set(['dw.fact_finding', 'dw.dim_engagement', 'dw.fact_engagement_history']),
    )
  })
})

describe('transactions of a load', () => {
  const committed = () =>
    transactions.filter(({ isCommitted }) => isCommitted).map(({ statements }) => statements)

  test('a transaction that writes payloads, people or the star holds the lease from its first statement on', () => {
    const free = committed().filter((statements) => {
      const first = bareText(statements[0] ?? '')
      return !/^savepoint fence; select from etl\.lease where .* for update; rollback/.test(first)
    })
    const written = free.flat().flatMap(writesOf)
    const unguarded = written
      .filter(({ table }) => stored.test(table))
      .map(({ how, table }) => `${how} ${table}`)
    // An account is entered before anybody can hold it. A status belongs to no account. A run writes its
    // own row, as in the ledger, and says that it failed when it has lost the lease, too.
    expect([...new Set(unguarded)].sort()).toEqual([
      'insert into dw.dim_partner_account',
      'insert into dw.dim_status',
      'insert into dw.fact_run',
      'lock table dw.dim_partner_account',
    ])
  })

  test('a transaction that publishes writes dimensions before facts, and all tables in one order', () => {
    const orders = committed()
      .map((statements) => statements.flatMap(writesOf).map(({ table }) => table))
      .filter((tables) => tables.includes('dw.fact_referral'))
      .map((tables) => [...new Set(tables)].filter((table) => /^(dw|pii)\./.test(table)))
    expect(orders.length).toBeGreaterThanOrEqual(5)
    expect(new Set(orders.map((order) => order.join(' '))).size).toBe(1)
    const [order = []] = orders
    // Deals are found from the facts.
    const isDimension = (table: string) =>
      table.startsWith('dw.dim_') && table !== 'dw.dim_engagement'
    const lastDimension = order.findLastIndex(isDimension)
    expect(lastDimension).toBeLessThan(order.findIndex((table) => !table.startsWith('dw.dim_')))
  })
})

describe('catalog rules', () => {
  /** What a query finds wrong. */
  const offenders = (query: ReturnType<typeof sql<{ name: string }>>) =>
    withDatabase(async (db) => (await query.execute(db)).rows.map((row) => row.name))

  const grown = sql`(
    n.nspname in ('stg', 'raw', 'pii') or
    n.nspname = 'dw' and (c.relname like 'fact\\_%' or c.relname like 'bridge\\_%'))`

  /** Of `pg_class c` of the schema `n`: all that is, or stages, rows of an account. */
  const ofAccounts = sql`n.nspname in ('dw', 'pii', 'raw', 'stg')`

  test('every primary key, unique key and exclusion of a table of accounts has the account', async () => {
    const found = await offenders(sql`
      select i.indexrelid::regclass::text as name
      from pg_index i
      join pg_class c on c.oid = i.indrelid
      join pg_namespace n on n.oid = c.relnamespace
      where (i.indisunique or i.indisexclusion) and ${ofAccounts}
        and not exists (
          select 1 from pg_attribute a
          where a.attrelid = c.oid and a.attname = 'partner_account_key' and a.attnum = any(i.indkey))
      order by i.indexrelid::regclass::text collate "C"`)
    // Shared by all accounts, or of the installation: its secret, and the people to forget in every account.
    expect(found).toEqual([
      'dw.dim_currency_pkey',
      'dw.dim_date_date_key_key',
      'dw.dim_date_pkey',
      'dw.dim_partner_account_account_code_key',
      'dw.dim_status_pkey',
      'dw.dim_status_referral_status_referral_substatus_key',
      'dw.documented_enum_value_pkey',
      'dw.fx_rate_pkey',
      'pii.erasure_pkey',
      'pii.secret_pkey',
    ])
  })

  test('every foreign key between tables of accounts leads to a row of the same account', async () => {
    const accountOf = (table: string) => sql`(
      select a.attnum from pg_attribute a
      where a.attrelid = ${sql.ref(table)} and a.attname = 'partner_account_key')`
    const between = sql`
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and ${ofAccounts}
        and k.confrelid <> 'dw.dim_partner_account'::regclass
        and ${accountOf('k.conrelid')} is not null and ${accountOf('k.confrelid')} is not null`
    expect(await offenders(sql`select k.conname as name ${between}`)).not.toEqual([])
    const apart = await offenders(sql`
      select k.conname as name ${between}
        and not exists (
          select from unnest(k.conkey, k.confkey) as pair (here, there)
          where pair.here = ${accountOf('k.conrelid')}
            and pair.there = ${accountOf('k.confrelid')})`)
    expect(apart).toEqual([])
  })

  test('no column of facts, bridges, payloads and people has a sequence or random default', async () => {
    const found = await offenders(sql`
      select concat_ws('.', n.nspname, c.relname, a.attname) as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where c.relkind = 'r' and ${grown}
        and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ '[(]' and a.attgenerated = '')`)
    expect(found).toEqual([])
  })

  test('the catalog has no trigger, no rule, no sequence but of identities, and two functions that read', async () => {
    const found = await offenders(sql`
      select 'trigger ' || t.tgname as name from pg_trigger t where not t.tgisinternal
      union all
      select 'rule ' || r.rulename from pg_rewrite r
      join pg_class c on c.oid = r.ev_class
      where c.relnamespace::regnamespace::text in ('dw', 'mart', 'raw', 'pii', 'stg', 'etl')
        and c.relkind = 'r'
      union all
      select 'function ' || p.proname from pg_proc p
      where p.pronamespace::regnamespace::text in ('dw', 'mart', 'raw', 'pii', 'stg', 'etl')
        and (p.provolatile <> 's' or p.prosecdef or obj_description(p.oid, 'pg_proc') is null
          or p.proname <> all (${['deal_movement_between', 'pipeline_movement_between']}::text[]))`)
    expect(found).toEqual([])
  })
})
