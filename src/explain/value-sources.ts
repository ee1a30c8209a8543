import { parseInstant } from '../transform/values/dates.ts'
import { parseMoney } from '../transform/values/money.ts'
import type { ValueShown, VersionShown } from './explanation.ts'
import type { RegistrationNumbers } from './recompute.ts'

/** One landed version: its facts, and the referral as it shows it. */
export interface Shown {
  readonly version: Pick<VersionShown, 'version_no' | 'kind' | 'seen_at' | 'run_id'>
  readonly referral: unknown
  /** A row of a file shows a part; what it lacks may be there all the same. */
  readonly isPart: boolean
}

const lengthMax = 120

/** Properties that amounts follow from, below the referral, a registration and a line of it. */
const ofReferral = [
  'status',
  'substatus',
  'closedDateTime',
  'details.dealValue',
  'details.currency',
  'details.closingDateTime',
]
const ofRegistration = [
  'status',
  'registrationDateTime',
  'contract.value',
  'contract.currency',
  'contract.term',
  'contract.startDateTime',
  'contract.endDateTime',
  'contract.signDateTime',
  'statusHistory.reviewPendingDateTime',
  'statusHistory.actionRequiredDateTime',
  'statusHistory.approvedDateTime',
  'statusHistory.passedDateTime',
  'statusHistory.failedDateTime',
]
const ofLine = ['value', 'currency']

/** Name of a property, or an item of a list: the n-th of its id, counted from 0. */
type Step = string | Item

interface Item {
  readonly id: string | null
  readonly nth: number
  /** `registration_no` or `line_no`. */
  readonly no: number
}

/**
 * Returns the values of the present referral that its amounts follow from, each with the version that
 * first showed it. `shown` is in the order of landing, `numbers` in that of the present registrations.
 */
export function valueSources(
  present: unknown,
  shown: readonly Shown[],
  numbers: readonly RegistrationNumbers[],
): ValueShown[] {
  return stepsIn(present, numbers).map((steps) => {
    const value = plainAt(present, steps)
    const not_shown = value === null ? null : whyNotShown(steps, value)
    return {
      path: pathOf(steps),
      received: value === null || not_shown !== null ? null : cut(value),
      not_shown,
      since: value === null ? null : sinceOf(steps, value, shown),
    }
  })
}

/** People may type anything where a number or a date belongs; only what the transform reads is shown. */
function whyNotShown(steps: readonly Step[], value: string): string | null {
  const name = String(steps.at(-1))
  if (name.endsWith('DateTime')) {
    return parseInstant(value.trim()).kind === 'invalid' ? 'text in place of a date' : null
  }
  const isAmount = name === 'value' || name === 'dealValue'
  return isAmount && !parseMoney(value).ok ? 'text in place of an amount' : null
}

function stepsIn(present: unknown, numbers: readonly RegistrationNumbers[]): Step[][] {
  const at = (start: readonly Step[], names: readonly string[]) =>
    names.map((name): Step[] => [...start, ...name.split('.')])
  const steps = at([], ofReferral)
  const registrationNos = numbers.map(({ registrationNo }) => registrationNo)
  for (const [index, registration] of itemsAt(
    present,
    ['registrations'],
    registrationNos,
  ).entries()) {
    steps.push(...at(registration, ofRegistration))
    const list = [...registration, 'solutionDetails']
    for (const line of itemsAt(present, list, numbers[index]?.lineNos ?? [])) {
      steps.push(...at(line, ofLine))
    }
  }
  return steps
}

/** Steps to each item of a list; one object in place of a list is a list of one. */
function itemsAt(referral: unknown, list: readonly Step[], nos: readonly number[]): Step[][] {
  const ids = objectsOf(valueAt(referral, list)).map((item) => plainAt(item, ['id']))
  return ids.map((id, index) => {
    const nth = ids.slice(0, index).filter((other) => other === id).length
    return [...list, { id, nth, no: nos[index] ?? 0 }]
  })
}

function objectsOf(list: unknown): object[] {
  const items: readonly unknown[] = Array.isArray(list) ? list : [list]
  return items.filter((item): item is object => typeof item === 'object' && item !== null)
}

/**
 * Version that began to show the value: the earliest of the last row of versions that agree. A part
 * that lacks the value neither begins nor ends such a row.
 */
function sinceOf(
  steps: readonly Step[],
  value: string,
  shown: readonly Shown[],
): ValueShown['since'] {
  let since: ValueShown['since'] = null
  for (const { version, referral, isPart } of shown) {
    const held = plainAt(referral, steps)
    if (held === value) since ??= version
    else if (held !== null || !isPart) since = null
  }
  return since
}

/** Text of a plain value; null for none, and for a list or an object in its place. */
function plainAt(referral: unknown, steps: readonly Step[]): string | null {
  const value = valueAt(referral, steps)
  if (value === undefined || value === null || value === '' || typeof value === 'object')
    return null
  return String(value)
}

function valueAt(holder: unknown, [step, ...rest]: readonly Step[]): unknown {
  if (step === undefined || holder === undefined || holder === null) return holder
  const next = typeof step === 'string' ? property(holder, step) : item(holder, step)
  return valueAt(next, rest)
}

/** A property by its name in any case, because the API does not keep to one. */
function property(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined
  if (Object.hasOwn(holder, name)) return Reflect.get(holder, name)
  const found = Object.entries(holder).find(([key]) => key.toLowerCase() === name.toLowerCase())
  return found?.[1]
}

function item(list: unknown, { id, nth }: Item): unknown {
  return objectsOf(list).filter((one) => plainAt(one, ['id']) === id)[nth]
}

function pathOf(steps: readonly Step[]): string {
  return steps
    .map((step) => (typeof step === 'string' ? `.${step}` : `[${step.no}]`))
    .join('')
    .slice(1)
}

function cut(text: string): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`
}
