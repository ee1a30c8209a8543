import { sql } from 'kysely'
import type { PeriodGroup } from '../../report/report-data.ts'
import type { Figure, RegistrationStatus, RegistrationsAnswer } from '../answers.ts'
import { drillTo } from '../choice.ts'
import { reviewedRegistrations } from '../rows/contract-sources.ts'
import type { Chosen, Query } from '../rows/filters.ts'
import { expiringReferrals, unregisteredDeals } from '../rows/referral-sources.ts'
import { type Bucket, expiringBuckets, waitingBuckets } from '../rows/source.ts'
import { periodNote, rateOfContracts, ratesNote, sumRows, toFigure, toFigures } from './figures.ts'

/** Every bucket in its order, so that columns and axes stay as they are. */
function byBucket(
  groups: readonly PeriodGroup[],
  buckets: readonly Bucket[],
  set: string,
  parameters: Readonly<Record<string, string>>,
): Figure[] {
  return buckets.map(({ label }) => {
    const found = groups.filter((group) => group.label === label)
    return toFigure(found, label, drillTo(set, { ...parameters, age: label }))
  })
}

const byAge = { label: sql`age`, position: sql`age_sort` }
/** Who is to act, in the order of the page. */
const waiting = ['Partner', 'Microsoft']

/** Reads the state of registrations, how long they wait, and what is about to expire or overdue. */
export async function readRegistrations(
  query: Query,
  chosen: Chosen,
): Promise<RegistrationsAnswer> {
  const reviewed = reviewedRegistrations(chosen)
  const states = await sumRows(query, reviewed, ['review_stage', 'waits_for', 'age', 'age_sort'], {
    byStatus: { label: sql`review_stage` },
    waiting: { where: sql`waits_for is not null`, period: sql`waits_for`, ...byAge },
  })
  const expiring = await sumRows(
    query,
    expiringReferrals(chosen),
    ['is_overdue', 'age', 'age_sort'],
    {
      soon: { where: sql`not is_overdue`, ...byAge },
      late: { where: sql`is_overdue`, ...byAge },
    },
  )
  const unregistered = await sumRows(query, unregisteredDeals(chosen), ['age', 'age_sort'], {
    byAge,
  })
  const leads = await readLeads(query, chosen)
  const statuses = toFigures(states.byStatus, 'registrations', (status) => ({ status }))
  return {
    choice: chosen.choice,
    notes: [
      ...periodNote(
        chosen,
        'The fiscal period is that in which deals were registered, open referrals expire and deals without a registration were won.',
      ),
      'Registrations are shown in the stage of review that they were in on that day, their contracts as they are today.',
      ...ratesNote(
        chosen,
        `Open referrals are converted at the rate of the day that is shown, won deals at that of the day they closed. ${rateOfContracts}`,
      ),
    ],
    statuses: statuses
      .map((figure): RegistrationStatus => ({ ...figure, ...(leads.get(figure.label) ?? noLead) }))
      .sort((one, other) => other.count - one.count),
    waiting: waiting.map((waits_for) => ({
      waits_for,
      ages: byBucket(
        states.waiting.filter(({ period }) => period === waits_for),
        waitingBuckets,
        'registrations',
        { waits_for },
      ),
    })),
    expiring: byBucket(expiring.soon, expiringBuckets, 'expiring', { expiring: 'true' }),
    overdue: byBucket(expiring.late, waitingBuckets, 'expiring', { overdue: 'true' }),
    unregistered: byBucket(unregistered.byAge, waitingBuckets, 'unregistered', {}),
  }
}

type Lead = Pick<RegistrationStatus, 'median_lead_days' | 'slow_lead_days'>
const noLead: Lead = { median_lead_days: null, slow_lead_days: null }

async function readLeads(query: Query, chosen: Chosen): Promise<ReadonlyMap<string, Lead>> {
  const { rows } = await sql<Lead & { status: string }>`
    select review_stage as status,
      percentile_cont(0.5) within group (order by approval_lead_days)::float8 as median_lead_days,
      percentile_cont(0.9) within group (order by approval_lead_days)::float8 as slow_lead_days
    from (${reviewedRegistrations(chosen).rows}) registration
    where approved_date <= ${chosen.choice.as_of}::date
    group by review_stage`.execute(query)
  return new Map(rows.map(({ status, ...lead }) => [status, lead]))
}
