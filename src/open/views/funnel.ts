import { sql } from 'kysely'
import type { FunnelAnswer, FunnelStep } from '../answers.ts'
import { drillTo } from '../choice.ts'
import type { Chosen, Query } from '../rows/filters.ts'
import { createdReferrals, funnelFlags } from '../rows/referral-sources.ts'
import { periodNote, rateOfDeals, ratesNote, recentNote, sumRows, toFigure } from './figures.ts'

const steps = ['Created', 'Accepted', 'Won', 'Registered', 'Approved']
const others = ['Lost', 'Dropped', 'Still open']

const daysTo: Readonly<Record<string, string>> = {
  Accepted: 'days_to_accept',
  Won: 'days_to_close',
  Registered: 'days_to_registered',
  Approved: 'days_to_approved',
}

/** Reads how many referrals created in the periods had reached each step by the chosen day. */
export async function readFunnel(query: Query, given: Chosen): Promise<FunnelAnswer> {
  const source = createdReferrals(given)
  const flags = Object.values(funnelFlags)
  const groupings = Object.fromEntries(
    Object.entries(funnelFlags).map(([step, flag]) => [step, { where: sql.ref(flag) }]),
  )
  const sums = await sumRows(query, source, flags, groupings)
  const medians = await readMedians(query, given)
  const figure = (step: string) => toFigure(sums[step] ?? [], step, drillTo('created', { step }))
  return {
    choice: given.choice,
    notes: [
      ...periodNote(given, 'The fiscal period is that in which referrals were created.'),
      'Steps are those reached by the day that is shown. Referrals are counted; the value of a deal counts once.',
      ...recentNote(given),
      ...ratesNote(given, rateOfDeals),
    ],
    steps: steps.map(
      (step): FunnelStep => ({ ...figure(step), median_days: medians[step] ?? null }),
    ),
    others: others.map(figure),
    cohorts: await readCohorts(query, given),
  }
}

async function readMedians(query: Query, chosen: Chosen): Promise<Record<string, number | null>> {
  const medians = Object.entries(daysTo).map(
    ([step, days]) => sql`
      (percentile_cont(0.5) within group (order by ${sql.ref(days)})
        filter (where ${sql.ref(funnelFlags[step] ?? '')}))::float8 as ${sql.id(step)}`,
  )
  const { rows } = await sql<Record<string, number | null>>`
    select ${sql.join(medians)} from (${createdReferrals(chosen).rows}) referral`.execute(query)
  return rows[0] ?? {}
}

async function readCohorts(query: Query, chosen: Chosen): Promise<FunnelAnswer['cohorts']> {
  const counts = steps.map(
    (step) => sql`count(*) filter (where ${sql.ref(funnelFlags[step] ?? '')}) as ${sql.id(step)}`,
  )
  const { rows } = await sql<{ cohort: string } & Record<string, number>>`
    select cohort, ${sql.join(counts)}
    from (${createdReferrals(chosen).rows}) referral
    group by cohort, cohort_start
    order by cohort_start`.execute(query)
  return rows.map((row) => ({
    label: row.cohort,
    steps: steps.map((step) => ({
      label: step,
      count: Number(row[step]),
      drill: drillTo('created', { step, cohort: row.cohort }),
    })),
  }))
}
