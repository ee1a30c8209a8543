import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { solutionPlays } from '../../src/sandbox/data/values.ts'
import { applyGrants } from '../../src/warehouse/access/grants.ts'
import { groups } from '../../src/warehouse/access/roles.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { withPipeline } from '../support/with-pipeline.ts'

const onePlay = 'Drive Cloud Success through Unified with Enhanced Solutions'
const otherSpelling = 'Drive Cloud Success through Unified with Enhanced Solution'

test('mart.documented_value gives BI readers the plays of each area, and no undocumented value', () =>
  withDatabase(async (db, url) => {
    await applyGrants(db)
    await sql`
      insert into etl.enum_value
        (enum_name, parent_value, enum_value, canonical_value, sort_order, is_documented)
      values ('SolutionPlay', 'Security', 'a play of one account', 'a play of one account', 9999, false)
    `.execute(db)
    await asLogin(url, [groups.bi], async ({ db: reader }) => {
      const { rows } = await sql<{ listed: string }>`
        select concat_ws(' | ', parent_value, enum_value, valid_from_date) as listed
        from mart.documented_value
        where enum_name = 'SolutionPlay'`.execute(reader)
      expect(rows.map(({ listed }) => listed).sort()).toEqual(
        solutionPlays.map(({ area, play }) => `${area} | ${play} | 2025-07-01`).sort(),
      )
    })
  }))

test('mart.documented_value lists the substatuses of each status in order, with what they mean', async () => {
  const { rows } = await withDatabase((db) =>
    sql<{ values: string; is_described: boolean }>`
      select
        parent_value || ': ' || string_agg(enum_value, ', ' order by sort_order) as values,
        bool_and(description <> '') as is_described
      from mart.documented_value
      where enum_name = 'ReferralSubstatus' and parent_value <> ''
      group by parent_value
      order by parent_value`.execute(db),
  )
  expect(rows).toEqual([
    { values: 'Active: Accepted', is_described: true },
    { values: 'Closed: Won, Lost, Declined, Expired, Error', is_described: true },
    { values: 'New: Pending, Received', is_described: true },
  ])
})

test('mart.documented_value gives the least and the greatest number of employees of a size', async () => {
  const { rows } = await withDatabase((db) =>
    sql<{ size: string }>`
      select concat_ws(' ', enum_value, min_employees, coalesce(max_employees::text, 'and more'))
        as size
      from mart.documented_value
      where enum_name = 'CustomerSize'
      order by sort_order`.execute(db),
  )
  expect(rows.map(({ size }) => size)).toEqual([
    '1to50employees 1 50',
    '51to500employees 51 500',
    'Morethan500employees 501 and more',
    '1to9employees 1 9',
    '10to50employees 10 50',
    '51to250employees 51 250',
    '251to1000employees 251 1000',
    '1001to5000employees 1001 5000',
    '5001to10000employees 5001 10000',
    '10001to20000employees 10001 20000',
    'Morethan20000employees 20001 and more',
  ])
})

/** Plays of a view, each once. */
async function playsOf(db: Kysely<Database>, view: string): Promise<string[]> {
  const { rows } = await sql<{ play: string }>`
    select distinct solution_play as play
    from ${sql.table(`mart.${view}`)}
    where solution_play like 'Drive Cloud Success%'
    order by play`.execute(db)
  return rows.map(({ play }) => play)
}

test('marts group the two spellings of a play under one, and dw.dim_referral keeps both', () =>
  withPipeline({ referrals: 120, seed: 4 }, async ({ db, run }) => {
    await run()
    // Every registered and every closed referral gets one spelling or the other.
    await sql`
      update dw.dim_referral
      set solution_play = case when referral_key % 2 = 0 then ${onePlay} else ${otherSpelling} end
      where referral_status = 'Closed' or registration_status not in ('None', '(Not provided)')
    `.execute(db)
    const { rows: kept } = await sql<{ play: string }>`
      select distinct solution_play as play from dw.dim_referral
      where solution_play like 'Drive Cloud Success%'
      order by play`.execute(db)
    expect(kept.map(({ play }) => play)).toEqual([otherSpelling, onePlay])
    for (const view of ['referral', 'deal', 'acv_line', 'win_rate', 'pipeline_as_of']) {
      expect({ view, plays: await playsOf(db, view) }).toEqual({ view, plays: [onePlay] })
    }
    const { rows } = await sql<{ counted: number; referrals: number; unsold: number }>`
      select
        (select count(*) from mart.referral)::integer as counted,
        (select count(*) from dw.fact_referral)::integer as referrals,
        (
          select count(distinct value.canonical_value)
          from mart.documented_value value
          left join mart.referral referral on referral.solution_play = value.canonical_value
          where value.enum_name = 'SolutionPlay' and referral.referral_key is null
        )::integer as unsold`.execute(db)
    const [{ counted, referrals, unsold } = { counted: 0, referrals: 1, unsold: 0 }] = rows
    expect(counted).toBe(referrals)
    const { rows: sold } = await sql<{ play: string }>`
      select distinct solution_play as play from dw.dim_referral`.execute(db)
    const soldPlays = new Set(sold.map(({ play }) => (play === otherSpelling ? onePlay : play)))
    const all = new Set(solutionPlays.map(({ play }) => (play === otherSpelling ? onePlay : play)))
    expect(unsold).toBe([...all].filter((play) => !soldPlays.has(play)).length)
    expect(unsold).toBeGreaterThan(0)
  }))
