import type { Version } from '../context.ts'
import type { Registration } from '../rows/fact-registration.ts'

/** What the rules look at, of a requested solution, an offer or a registration line. */
interface NamedSolution {
  readonly id: string | null
  readonly name: string | null
  readonly type: string | null
}

/** Microsoft's own, a partner's, and a solution assessment: the values of the resource page. */
const documentedTypes: ReadonlySet<string> = new Set(['1P', '3P', 'SA'])
const observedLengthMax = 60

/** Checks requested solutions, offers and registration lines by the documented types and categories. */
export function checkSolutions(version: Version, registrations: readonly Registration[]): void {
  const requirements = version.referral.details?.requirements
  for (const solution of requirements?.solutions ?? []) {
    const path = 'details.requirements.solutions[]'
    checkType(version, solution.solutionType, `${path}.solutionType`)
    checkCategory(version, solution, path)
  }
  for (const offer of requirements?.offers ?? []) {
    const path = 'details.requirements.offers[]'
    checkType(version, offer.offerType, `${path}.offerType`)
    checkCategory(version, offer, path)
  }
  for (const { no, lines } of registrations) {
    for (const { no: lineNo, source } of lines) {
      const path = `registrations[${no}].solutionDetails[${lineNo}]`
      checkType(version, source.solutionType, `${path}.solutionType`)
      checkCategory(version, source, path)
    }
  }
}

function checkType({ findings }: Version, type: string | null, itemRef: string): void {
  if (type === null || documentedTypes.has(type.toUpperCase())) return
  const observed = type.slice(0, observedLengthMax)
  findings.add('unknown_solution_type', itemRef, 'expected 1P, 3P or SA', observed)
}

function checkCategory(
  { context, findings }: Version,
  { id, name, type }: NamedSolution,
  itemRef: string,
): void {
  const documented = context.enums.get('Solutions')
  const category = id ?? name
  if (type?.toLowerCase() !== 'category' || documented === undefined || category === null) return
  // The source may write the category as id or as name, with blanks between its words.
  const isDocumented = [id, name].some(
    (text) => text !== null && documented.has(text.replaceAll(/\s/g, '').toLowerCase()),
  )
  if (isDocumented) return
  const detail = 'expected one of the documented solutions'
  const observed = category.slice(0, observedLengthMax)
  findings.add('unknown_solution_category', itemRef, detail, observed)
}
