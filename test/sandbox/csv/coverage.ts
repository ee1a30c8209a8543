import type { Extent, Layout } from '../../../src/sandbox/csv/layout/column.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'

// Which properties of the API the files show, by what the layouts say of their columns.

/** Returns each property that some referral has a value of, as `customerProfile.team[].email`. */
export function propertiesOf(referrals: readonly Referral[]): string[] {
  const found = new Set<string>()
  for (const referral of referrals) collect(referral, '', found)
  return [...found].sort()
}

function collect(value: unknown, path: string, found: Set<string>): void {
  if (value == null) return
  if (Array.isArray(value)) for (const entry of value) collect(entry, `${path}[]`, found)
  else if (typeof value !== 'object') found.add(path)
  else {
    for (const [key, member] of Object.entries(value)) {
      collect(member, path === '' ? key : `${path}.${key}`, found)
    }
  }
}

/** Returns how much of a property the files of a layout show; null for nothing. */
export function extentOf(layout: Layout, property: string): Extent | null {
  const extents = layout.columns.flatMap(({ shows }) => shows[property] ?? [])
  return extents[0] ?? null
}

/** Returns the properties of which the files of a layout show nothing. */
export function notShown(layout: Layout, properties: readonly string[]): string[] {
  return properties.filter((property) => extentOf(layout, property) === null)
}

const words: Readonly<Record<Extent, string>> = {
  whole: 'yes',
  day: 'the day',
  first: 'the first',
  some: 'some',
}

/** Returns a table in Markdown: each property that some file shows, siblings of equal row in one. */
export function coverageTable(layouts: readonly Layout[], properties: readonly string[]): string {
  const siblings = new Map<string, { parent: string; names: string[]; cells: string[] }>()
  for (const property of properties) {
    const cells = layouts.map((layout) => {
      const extent = extentOf(layout, property)
      return extent === null ? '–' : words[extent]
    })
    if (cells.every((cell) => cell === '–')) continue
    const [parent, name] = split(property)
    const key = [parent, ...cells].join('|')
    const row = siblings.get(key) ?? { parent, names: [], cells }
    row.names.push(name)
    siblings.set(key, row)
  }
  const rows = [...siblings.values()].map(({ parent, names, cells }) =>
    line([named(parent, names), ...cells]),
  )
  const titles = ['Property', ...layouts.map(({ title }) => title)]
  return [line(titles), line(titles.map(() => '---')), ...rows].join('\n')
}

/** Returns a list in Markdown: each property that no file shows, those of one parent together. */
export function unshownList(layouts: readonly Layout[], properties: readonly string[]): string {
  const byParent = new Map<string, string[]>()
  for (const property of properties) {
    if (layouts.some((layout) => extentOf(layout, property) !== null)) continue
    const [parent, name] = split(property)
    byParent.set(parent, [...(byParent.get(parent) ?? []), name])
  }
  return [...byParent].map(([parent, names]) => `- ${named(parent, names)}`).join('\n')
}

function split(property: string): [parent: string, name: string] {
  const end = property.lastIndexOf('.')
  return [property.slice(0, end + 1), property.slice(end + 1)]
}

function named(parent: string, names: readonly string[]): string {
  const inside = names.map((name) => `\`${name}\``).join(', ')
  return parent === '' ? inside : `\`${parent.slice(0, -1)}\`: ${inside}`
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
