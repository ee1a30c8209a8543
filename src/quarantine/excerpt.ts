/** Where a damaged property is, told without a person's data. */
export interface Excerpt {
  /** Path of the object that holds the property; empty for the referral itself. */
  readonly parent_path: string
  /** Type of each property of that object, never a value. */
  readonly parent: Readonly<Record<string, string>>
  /** JSON of the property when it is a plain value outside people and free text, cut to a length. */
  readonly value: string | null
}

const valueLengthMax = 120
const propertiesMax = 40

/** Properties that hold people, what people wrote, or names: neither they nor what is below is shown. */
const withheld = new Set(
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
 * What an operator needs to see of a payload that cannot be read: the shape around the damage. The
 * value is shown only where a documented property takes no free text, since anything may be in one.
 */
export function excerptAt(payload: unknown, itemPath: string): Excerpt {
  const steps = itemPath.match(/[^.[\]]+/g) ?? []
  const walked: string[] = []
  let parent: unknown = payload
  for (const step of steps.slice(0, -1)) {
    const next = child(parent, step)
    if (typeof next !== 'object' || next === null) break
    parent = next
    walked.push(step)
  }
  const last = steps.at(-1)
  const isFound = last !== undefined && walked.length === steps.length - 1
  const isWithheld = (step: string) => withheld.has(step.toLowerCase())
  return {
    parent_path: walked
      .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
      .join('')
      .replace(/^\./, ''),
    parent: walked.some(isWithheld) ? {} : typesOf(parent),
    value: isFound && !steps.some(isWithheld) ? plainJson(child(parent, last)) : null,
  }
}

/** The property, in any case: the API does not keep to one. */
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
