import type { LandedReferral, TransformContext } from '../transform/context.ts'
import { assemble } from '../transform/files/assemble.ts'
import { readReferral } from '../transform/parse/parse-referral.ts'
import { withPolicies } from '../transform/parse/policies-property.ts'
import { newVersion, orderVersions } from '../transform/parsed-version.ts'
import { type Registration, registrationsOf } from '../transform/rows/fact-registration.ts'
import type { StagedRows } from '../transform/staged-rows.ts'
import { toRows } from '../transform/to-rows.ts'

/** Number of a registration in the star, and those of its lines in the order of the payload. */
export interface RegistrationNumbers {
  readonly registrationNo: number
  readonly lineNos: readonly number[]
}

/** A referral as the transform makes it of what was landed. */
export interface Recomputed {
  readonly rows: StagedRows
  /** Payload that the present values are read from; rows of files are merged in it. */
  readonly present: unknown
  /** Version that it is, or that it was made of last. */
  readonly newest: { readonly version_no: number; readonly resource_type: string }
  readonly registrations: readonly Registration[]
  /** Numbers of the registrations, in the order of `present`. */
  readonly numbers: readonly RegistrationNumbers[]
  /** Versions of the API that are newer and cannot be read: the star keeps what was before them. */
  readonly quarantined: readonly number[]
}

/** Returns what the transform makes of a referral; undefined when no version of it can be read. */
export function recompute(
  referral: LandedReferral,
  context: TransformContext,
): Recomputed | undefined {
  const quarantined: number[] = []
  let versions = referral.versions
  for (;;) {
    const landed = { ...referral, versions }
    const transformed = toRows(landed, context)
    const newest = orderVersions({ versions: assemble(versions).versions }).at(-1)
    if (newest === undefined || transformed.kind === 'waiting') return undefined
    const { version_no, resource_type } = newest.landed
    if (transformed.kind === 'quarantined') {
      quarantined.push(version_no)
      const isNewest = (one: (typeof versions)[number]) =>
        one.version_no === version_no && one.resource_type === resource_type
      versions = versions.filter((one) => !isNewest(one))
      continue
    }
    const payload = withPolicies(
      newest.landed.payload,
      context.eligibilityProperty,
      landed.policies?.policies,
    )
    const read = readReferral(payload, newest.landed.people)
    if (!read.ok) throw new Error('a version that was transformed cannot be read')
    const version = newVersion(landed, context, newest, read.referral, read.warnings)
    const registrations = registrationsOf(version)
    return {
      rows: transformed.rows,
      present: payload,
      newest: { version_no, resource_type },
      registrations,
      numbers: version.referral.registrations.map((source) => numbersOf(source, registrations)),
      quarantined,
    }
  }
}

function numbersOf(
  source: Registration['source'],
  registrations: readonly Registration[],
): RegistrationNumbers {
  const registration = registrations.find((one) => one.source === source)
  const lineNo = (line: (typeof source.solutionDetails)[number]) =>
    registration?.lines.find((one) => one.source === line)?.no ?? 0
  return {
    registrationNo: registration?.no ?? 0,
    lineNos: source.solutionDetails.map(lineNo),
  }
}
