import type { Version } from '../context.ts'
import { later, type Observation } from '../history/spans.ts'
import type { ParsedVersion } from '../parsed-version.ts'
import type { Staged } from '../staged-rows.ts'
import { noSolution, requestedItems } from './fact-referral-solution.ts'

// Fills dw.fact_solution_change.

/** One landed version, and its observation for the history. */
export interface SeenVersion {
  readonly parsed: ParsedVersion
  readonly observation: Observation
}

/** Two landed versions that follow one another, and when the later one began. */
export interface Step {
  readonly before: ParsedVersion
  readonly after: ParsedVersion
  readonly changedAt: string
  readonly observedAt: string
}

/**
 * Steps between landed versions in order of source time. A step counts from the source's own time, or
 * from the observation if that time did not move, and none from before the one that it follows.
 */
export function stepsOf(versions: readonly SeenVersion[]): Step[] {
  const steps: Step[] = []
  let since = ''
  for (let index = 0; index < versions.length; index++) {
    const one = versions[index]
    const previous = versions[index - 1]
    if (one === undefined) continue
    const { changedAt, observedAt, sourceOrder } = one.observation
    const isSilent = sourceOrder === previous?.observation.sourceOrder
    since = later(isSilent ? observedAt : changedAt, since)
    if (previous === undefined) continue
    steps.push({ before: previous.parsed, after: one.parsed, changedAt: since, observedAt })
  }
  return steps
}

interface Named {
  readonly id: string | null
  readonly name: string | null
}

/** Solutions by what tells them apart: kind and id, or kind and name where there is no id. */
type Solutions = ReadonlyMap<string, Named>

const lists = {
  requested: ({ version }: ParsedVersion) =>
    apart(
      requestedItems(version.referral).map((item) => [`${item.kind} ${item.solutionId}`, item]),
    ),
  sold: ({ registrations }: ParsedVersion) =>
    apart(
      registrations
        .flatMap(({ lines }) => lines)
        .filter(({ solutionId }) => solutionId !== noSolution)
        .map(({ solutionId, source }) => [solutionId, source]),
    ),
}

/** Of several names of one solution the first, so that the order of the API decides nothing. */
function apart(listed: readonly (readonly [string, Named])[]): Solutions {
  const solutions = new Map<string, Named>()
  for (const [key, { id, name }] of listed) {
    const known = solutions.get(key)
    if (known === undefined || nameOf({ id, name }) < nameOf(known))
      solutions.set(key, { id, name })
  }
  return solutions
}

function isSame(before: Solutions, after: Solutions): boolean {
  return before.size === after.size && [...before.keys()].every((key) => after.has(key))
}

function nameOf({ name, id }: Named): string {
  return name ?? id ?? noSolution
}

function nameWithId({ name, id }: Named): string {
  return name === null || id === null ? nameOf({ name, id }) : `${name} (${id})`
}

function textOf(solutions: Solutions, textOfOne: (solution: Named) => string): string {
  return [...solutions.values()].map(textOfOne).sort().join(' | ')
}

/** One row for each list of solutions that a step changed. */
export function solutionChangeRows(
  { accountKey, referralNo }: Version,
  steps: readonly Step[],
): Staged<'stg.fact_solution_change'>[] {
  const rows: Staged<'stg.fact_solution_change'>[] = []
  for (const { before, after, changedAt, observedAt } of steps) {
    for (const [list_name, solutionsOf] of Object.entries(lists)) {
      const earlier = solutionsOf(before)
      const present = solutionsOf(after)
      if (isSame(earlier, present)) continue
      const isAlike = textOf(earlier, nameOf) === textOf(present, nameOf)
      const text = isAlike ? nameWithId : nameOf
      rows.push({
        partner_account_key: accountKey,
        referral_no: referralNo,
        change_no: rows.length + 1,
        list_name,
        changed_at: changedAt,
        observed_at: observedAt,
        before_solutions: textOf(earlier, text),
        after_solutions: textOf(present, text),
      })
    }
  }
  return rows
}
