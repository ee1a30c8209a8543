import { editDistance } from '../../config/nearest.ts'
import { type Column, type Layout, lettersAndDigits } from './column.ts'
import { layouts } from './layouts.ts'

/** Place of one column in a file. */
export interface BoundColumn {
  /** Position in the record, from 0. */
  readonly index: number
  readonly column: Column
  /** Canonical name, with its number where the column is repeated. */
  readonly name: string
  /** Number of a repeated column; 0 for others. */
  readonly number: number
}

/** Column that the layout does not have; its cells are kept under its own name. */
export interface ExtraColumn {
  readonly index: number
  readonly name: string
}

/** How a header differs from the nearest layout. */
export interface HeaderDifference {
  readonly missing: readonly string[]
  readonly extra: readonly string[]
  /** Columns of the file whose names are nearly those of missing ones. */
  readonly misspelt: readonly { readonly got: string; readonly expected: string }[]
  /** Columns that come more than once. */
  readonly repeated: readonly string[]
}

export type Recognition =
  | {
      readonly isKnown: true
      readonly layout: Layout
      /** In the order of the layout, groups by their numbers. */
      readonly columns: readonly BoundColumn[]
      readonly extras: readonly ExtraColumn[]
      /** Number of names, without empty ones at the end. */
      readonly width: number
    }
  | {
      readonly isKnown: false
      readonly nearest: Layout
      /** Columns of the layout that the header has. */
      readonly matched: number
      readonly difference: HeaderDifference
    }

/**
 * Returns what kind of file a header belongs to: the layout with the fewest missing and unknown
 * columns. Order, case, blanks, punctuation, `/region` suffixes and the spellings of other layouts
 * do not matter. Unknown columns beside all known ones are kept as extras; a missing or a repeated
 * column makes the header unknown.
 */
export function recognise(header: readonly string[]): Recognition {
  const names = withoutEmptyEnd(header)
  const bindings = layouts.map((layout) => bind(layout, names))
  let best = bindings[0] as Binding
  for (const binding of bindings) if (distance(binding) < distance(best)) best = binding
  const { layout, columns, extras, missing, repeated } = best
  if (missing.length === 0 && repeated.length === 0) {
    const inOrder = columns.toSorted(
      (a, b) =>
        layout.columns.indexOf(a.column) - layout.columns.indexOf(b.column) || a.number - b.number,
    )
    const width = names.length
    return { isKnown: true, layout, columns: inOrder, extras: namedApart(extras), width }
  }
  const misspelt = pairMisspelt(extras, missing)
  return {
    isKnown: false,
    nearest: layout,
    matched: columns.length,
    difference: {
      missing: missing.filter((name) => !misspelt.some(({ expected }) => expected === name)),
      extra: extras
        .map(({ name }) => name)
        .filter((name) => !misspelt.some(({ got }) => got === name)),
      misspelt,
      repeated,
    },
  }
}

/** Text by which a name of a column is compared with those of a layout. */
function headerKey(name: string): string {
  return lettersAndDigits(
    name
      .normalize('NFKC')
      .replace(/\/\s*region/gi, '')
      .replace(/\(formerly[^)]*\)/gi, '')
      // "Managed Account 1 & 2" is one line of the documentation for two columns.
      .replace(/(\d+)\s*&\s*\d+\s*$/, '$1'),
  )
}

interface Binding {
  readonly layout: Layout
  readonly columns: BoundColumn[]
  readonly extras: ExtraColumn[]
  readonly missing: readonly string[]
  readonly repeated: readonly string[]
}

function distance({ missing, extras, columns }: Binding): number {
  // A header without a single known column is as far from all layouts.
  return columns.length === 0 ? Number.POSITIVE_INFINITY : missing.length + extras.length
}

function bind(layout: Layout, names: readonly string[]): Binding {
  const byKey = keysOf(layout)
  const taken = new Set<string>()
  const columns: BoundColumn[] = []
  const extras: ExtraColumn[] = []
  const repeated: string[] = []
  for (const [index, written] of names.entries()) {
    const found = find(byKey, headerKey(written))
    if (found === undefined) {
      extras.push({ index, name: shownName(written, index) })
    } else if (taken.has(found.name)) {
      repeated.push(found.name)
    } else {
      taken.add(found.name)
      columns.push({ index, ...found })
    }
  }
  const missing = layout.columns
    .filter(({ isOptional, isRepeated }) => !isOptional && !isRepeated)
    .map(({ name }) => name)
    .filter((name) => !taken.has(name))
  return { layout, columns, extras, missing, repeated }
}

const keysByLayout = new Map<Layout, ReadonlyMap<string, Column>>()

function keysOf(layout: Layout): ReadonlyMap<string, Column> {
  const known = keysByLayout.get(layout)
  if (known !== undefined) return known
  const keys = new Map(
    layout.columns.flatMap((column) =>
      [column.name, ...column.also].map((name): [string, Column] => [headerKey(name), column]),
    ),
  )
  keysByLayout.set(layout, keys)
  return keys
}

function find(
  byKey: ReadonlyMap<string, Column>,
  key: string,
): Omit<BoundColumn, 'index'> | undefined {
  const column = byKey.get(key)
  if (column !== undefined) return numbered(column, column.isRepeated ? 1 : 0)
  const [, base = '', digits = ''] = /^(.*\D)0*([1-9]\d{0,3})$/.exec(key) ?? []
  const group = byKey.get(base)
  return group?.isRepeated ? numbered(group, Number(digits)) : undefined
}

function numbered(column: Column, number: number): Omit<BoundColumn, 'index'> {
  return { column, number, name: number === 0 ? column.name : `${column.name} ${number}` }
}

/** Names of which no two are equal: a second `Owner` becomes `Owner (2)`. */
function namedApart(extras: readonly ExtraColumn[]): ExtraColumn[] {
  const times = new Map<string, number>()
  return extras.map(({ index, name }) => {
    const before = times.get(name) ?? 0
    times.set(name, before + 1)
    return { index, name: before === 0 ? name : `${name} (${before + 1})` }
  })
}

function shownName(written: string, index: number): string {
  const name = written.replace(/[\s\u200b\ufeff]+/g, ' ').trim()
  return name === '' || name === '__proto__' ? `column ${index + 1}` : name
}

function withoutEmptyEnd(header: readonly string[]): readonly string[] {
  return header.slice(0, header.findLastIndex((name) => headerKey(name) !== '') + 1)
}

/** Share of a name that may be mistyped. */
const mistypedShare = 0.3

function pairMisspelt(
  extras: readonly ExtraColumn[],
  missing: readonly string[],
): { got: string; expected: string }[] {
  const pairs = extras.flatMap(({ name: got }) =>
    missing.map((expected) => {
      const [one, other] = [headerKey(got), headerKey(expected)]
      const edits = one.length > 200 ? Number.POSITIVE_INFINITY : editDistance(one, other)
      return { got, expected, edits, length: other.length }
    }),
  )
  const near = pairs
    .filter(({ edits, length }) => edits <= Math.max(1, Math.floor(length * mistypedShare)))
    .sort((a, b) => a.edits - b.edits)
  const chosen: { got: string; expected: string }[] = []
  for (const { got, expected } of near) {
    if (chosen.some((pair) => pair.got === got || pair.expected === expected)) continue
    chosen.push({ got, expected })
  }
  return chosen
}
