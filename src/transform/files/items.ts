import { isEmpty, isObject } from '../parse/invalid-payload.ts'

/** How the items of a list are told apart. */
interface ListKey {
  /** Properties of which the first with a value is the key. */
  readonly by: readonly string[]
  /** An item without a key is the only one, or the one whose day agrees. */
  readonly mayLackKey?: true
  readonly day?: string
}

const lists: ReadonlyMap<string, ListKey> = new Map<string, ListKey>([
  ['customerProfile.ids', { by: ['profileType'] }],
  ['customerProfile.team', { by: ['email', 'lastName', 'firstName', 'phoneNumber'] }],
  ['details.requirements.additionalRequirements.attributes', { by: ['type'] }],
  ['details.requirements.offers', { by: ['id', 'name'] }],
  ['details.requirements.solutions', { by: ['id', 'name'] }],
  ['registrations', { by: ['id'], mayLackKey: true, day: 'registrationDateTime' }],
  ['registrations[].solutionDetails', { by: ['id'], mayLackKey: true }],
  ['target', { by: ['id'] }],
  ['team', { by: ['email', 'lastName', 'firstName', 'phoneNumber'] }],
])

/** Returns the text that tells an item from others of its list; null where the item has none. */
export function keyOfItem(item: unknown, path: string): string | null {
  const list = lists.get(path)
  if (list === undefined || !isObject(item)) return JSON.stringify(item)
  for (const name of list.by) {
    const value = textOf(item, name)
    if (value !== '') return `${name} ${value.toLowerCase()}`
  }
  return list.mayLackKey ? null : JSON.stringify(item)
}

/**
 * Returns the place of the item that `item` shows a part of, among the `free` ones: the one of its
 * key. Where one of the two lacks a key, it is the first one that is not of another day.
 */
export function matchingItem(
  item: unknown,
  items: readonly unknown[],
  free: ReadonlySet<number>,
  path: string,
): number | undefined {
  const places = [...free]
  const key = keyOfItem(item, path)
  const ofKey = places.find((place) => keyOfItem(items[place], path) === key)
  if (key !== null && ofKey !== undefined) return ofKey
  const list = lists.get(path)
  if (!list?.mayLackKey) return undefined
  const open = places.filter((place) => key === null || keyOfItem(items[place], path) === null)
  const { day } = list
  if (day === undefined) return open[0]
  const dayOf = (one: unknown) => textOf(one, day).slice(0, 10)
  const own = dayOf(item)
  const sameDay = open.find((place) => own !== '' && dayOf(items[place]) === own)
  return sameDay ?? open.find((place) => own === '' || dayOf(items[place]) === '')
}

function textOf(item: unknown, name: string): string {
  if (!isObject(item)) return ''
  const value = item[name] ?? item[name.toLowerCase()]
  return isEmpty(value) || typeof value === 'object' ? '' : String(value).trim()
}
