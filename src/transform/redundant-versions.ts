import type { LandedReferral, LandedVersion, TransformContext } from './context.ts'
import { type OrderedVersion, orderVersions } from './parsed-version.ts'
import { notProvided, type StagedRows } from './staged-rows.ts'
import { toRows } from './to-rows.ts'

/**
 * Returns the numbers of those versions of the API that `mayGo` accepts and without which the referral
 * has the same rows in every table, all of them left out at once; in order of time. So history loses no
 * day and no value.
 *
 * The first and the last version by number and by source time stay whatever they show, and so does one
 * beside another of the same source time: what is landed next is dated by these. None goes of a referral
 * that rows of files show as well, or whose newest version cannot be read.
 */
export function redundantVersions(
  landed: LandedReferral,
  mayGo: (version: LandedVersion) => boolean,
  context: TransformContext,
): number[] {
  const ordered = orderVersions(landed)
  if (ordered.some(({ landed: { resource_type } }) => resource_type !== 'referral')) return []
  const candidates = ordered
    .filter((one, index) => !isWitness(one, index, ordered) && mayGo(one.landed))
    .map((one) => one.landed)
  if (candidates.length === 0) return []
  const whole = comparable(landed, landed.versions, context)
  if (whole === null) return []
  let left = landed.versions
  const gone: number[] = []
  const leaveOut = (versions: readonly LandedVersion[]) => {
    const rest = left.filter((one) => !versions.includes(one))
    if (comparable(landed, rest, context) === whole) {
      left = rest
      gone.push(...versions.map((one) => one.version_no))
    } else if (versions.length > 1) {
      // Mostly all or none of a stretch can go, so halves need fewer attempts than one by one.
      const half = Math.ceil(versions.length / 2)
      leaveOut(versions.slice(0, half))
      leaveOut(versions.slice(half))
    }
  }
  leaveOut(candidates)
  return gone
}

/** Whether a version dates others, of which some may not be landed yet. */
function isWitness(
  { sourceOrder, landedNo }: OrderedVersion,
  index: number,
  ordered: readonly OrderedVersion[],
): boolean {
  const [before, after] = [ordered[index - 1], ordered[index + 1]]
  if (before === undefined || after === undefined) return true
  if (before.sourceOrder === sourceOrder || after.sourceOrder === sourceOrder) return true
  const others = ordered.map((one) => one.landedNo)
  return landedNo === Math.min(...others) || landedNo === Math.max(...others)
}

/** Text that is equal where all rows are; null where the newest version gives none. */
function comparable(
  landed: LandedReferral,
  versions: readonly LandedVersion[],
  context: TransformContext,
): string | null {
  const transformed = toRows({ ...landed, versions }, context)
  if (transformed.kind !== 'rows') return null
  const { rows } = transformed
  return JSON.stringify({ ...rows, 'stg.dim_solution': bestOf(rows['stg.dim_solution']) })
}

/**
 * The rows among which the publish chooses the one of each solution: those with a name before those
 * without, then the latest.
 */
function bestOf(rows: StagedRows['stg.dim_solution']): string[] {
  const best = new Map<string, { rank: string; rows: Set<string> }>()
  for (const row of rows) {
    const key = `${row.item_kind} ${row.solution_id}`
    const rank = `${row.solution_name === notProvided ? 0 : 1} ${row.source_updated_at}`
    const known = best.get(key)
    if (known === undefined || known.rank < rank) best.set(key, { rank, rows: new Set() })
    if (known === undefined || known.rank <= rank) best.get(key)?.rows.add(JSON.stringify(row))
  }
  return [...best.values()].flatMap((one) => [...one.rows]).sort()
}
