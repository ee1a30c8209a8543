/** Surroundings of an invalid property, without personal data. */
export interface Excerpt {
  /** Path of the parent object; empty for the referral itself. */
  readonly parent_path: string
  /** Type of each property of the parent, never a value. */
  readonly parent: Readonly<Record<string, string>>
  /** Shortened JSON of the property; null unless it is a plain value outside people and free text. */
  readonly value: string | null
}

const valueLengthMax = 120
const propertiesMax = 40

/** Properties with people, names or free text; neither their values nor those below are shown. */
const personal = new Set(
  [
    'team',
    'customerProfile',
    'inviteContext',
    'notes',
    'name',
    'statusReason',
    'externalReferenceId',
    'organizationName',
    'publisherName',
  ].map((name) => name.toLowerCase()),
)

/**
 * Returns the part of an invalid payload that an operator may see: the property types around the
 * invalid value. The value itself is included only where no free text is expected, which may contain
 * personal data.
 */
export function excerptAt(payload: unknown, itemPath: string): Excerpt {
  const steps = itemPath.match(/[^.[\]]+/g) ?? []
  const path: string[] = []
  let parent: unknown = payload
  for (const step of steps.slice(0, -1)) {
    const next = child(parent, step)
    if (typeof next !== 'object' || next === null) break
    parent = next
    path.push(step)
  }
  const last = steps.at(-1)
  const isFound = last !== undefined && path.length === steps.length - 1
  const isPersonal = (step: string) => personal.has(step.toLowerCase())
  return {
    parent_path: path
      .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
      .join('')
      .replace(/^\./, ''),
    parent: path.some(isPersonal) ? {} : typesOf(parent),
    value: isFound && !steps.some(isPersonal) ? plainJson(child(parent, last)) : null,
  }
}

/** Returns a property by its name in any case, because the API does not keep to one. */
function child(holder: unknown, step: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined
  const entries = Object.entries(holder)
  const exact = entries.find(([name]) => name === step)
  const found = exact ?? entries.find(([name]) => name.toLowerCase() === step.toLowerCase())
  return found?.[1]
}

function typesOf(holder: unknown): Record<string, string> {
  if (typeof holder !== 'object' || holder === null) return {}
  const entries = Object.entries(holder)
  const types = entries
    .slice(0, propertiesMax)
    .map(([name, value]): [string, string] => [name.slice(0, valueLengthMax), typeOf(value)])
  const more = entries.length - propertiesMax
  if (more > 0) types.push(['…', `${more} more`])
  return Object.fromEntries(types)
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `list of ${value.length}`
  if (typeof value === 'object') return `object of ${Object.keys(value).length}`
  if (typeof value === 'string') return `text of ${value.length}`
  return typeof value === 'boolean' ? 'true or false' : typeof value
}

function plainJson(value: unknown): string | null {
  if (value === undefined || (typeof value === 'object' && value !== null)) return null
  const json = JSON.stringify(value)
  return json.length <= valueLengthMax ? json : `${json.slice(0, valueLengthMax)}…`
}
