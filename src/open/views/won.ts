import { sql } from 'kysely'
import type { Compared, WonAnswer } from '../answers.ts'
import { drillTo } from '../choice.ts'
import {
  bookedContracts,
  contractLines,
  contractsInForce,
  contractYears,
} from '../rows/contract-sources.ts'
import type { Chosen, Query } from '../rows/filters.ts'
import { decidedDeals } from '../rows/referral-sources.ts'
import {
  bySize,
  periodNote,
  rateOfContracts,
  ratesNote,
  recentNote,
  sumRows,
  toFigure,
  toFigures,
} from './figures.ts'

const solutionsShown = 10
/** Labels of quarters and years are in the order of time. */
const byQuarter = { label: sql`quarter` }

/** Reads deals won and lost, and annual contract value: signed, in force, and due by contract year. */
export async function readWon(query: Query, chosen: Chosen): Promise<WonAnswer> {
  const decided = await sumRows(query, decidedDeals(chosen), ['is_won', 'is_lost', 'quarter'], {
    won: { where: sql`is_won` },
    lost: { where: sql`is_lost` },
    byQuarter: { where: sql`is_won`, ...byQuarter },
  })
  const booked = await sumRows(query, bookedContracts(chosen), ['quarter'], {
    all: {},
    byQuarter,
  })
  const schedule = await sumRows(query, contractYears(chosen), ['fiscal_year'], {
    byYear: { label: sql`fiscal_year` },
  })
  const lines = await sumRows(query, contractLines(chosen), ['solution_name'], {
    bySolution: { label: sql`solution_name` },
  })
  return {
    choice: chosen.choice,
    notes: [
      ...periodNote(
        chosen,
        'The fiscal period is that in which deals closed, contracts were signed and contract years start.',
      ),
      'Deals and contracts are those of today, up to the day that is shown. Contracts in force are not filtered by period.',
      ...recentNote(chosen),
      ...(chosen.periods.length > 0 ? [] : ['Contract years from the last fiscal year on.']),
      ...ratesNote(
        chosen,
        `Deals are converted at the rate of the day they closed. ${rateOfContracts}`,
      ),
    ],
    won: toFigure(decided.won, 'Won', drillTo('decided', { won: 'true' })),
    lost: toFigure(decided.lost, 'Lost', drillTo('decided', { lost: 'true' })),
    won_by_quarter: toFigures(decided.byQuarter, 'decided', (label) => ({
      won: 'true',
      quarter: label,
    })),
    booked: toFigure(booked.all, 'Signed', drillTo('booked')),
    booked_by_quarter: toFigures(booked.byQuarter, 'booked', (label) => ({ quarter: label })),
    in_force: await readInForce(query, chosen),
    schedule: toFigures(schedule.byYear, 'schedule', (year) => ({ year })),
    solutions: toFigures(lines.bySolution, 'lines', (solution) => ({ solution }))
      .sort(bySize)
      .slice(0, solutionsShown),
  }
}

async function readInForce(query: Query, chosen: Chosen): Promise<Compared> {
  const sums = await sumRows(query, contractsInForce(chosen), ['is_now', 'is_before'], {
    now: { where: sql`is_now` },
    before: { where: sql`is_before` },
  })
  const figure = (side: 'now' | 'before') =>
    toFigure(sums[side], 'In force', drillTo('in_force', { side }))
  return { label: 'In force', now: figure('now'), before: figure('before') }
}
