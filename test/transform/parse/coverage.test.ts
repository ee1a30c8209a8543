import { describe, expect, test } from 'vitest'
import { referralShape } from '../../../src/transform/parse/properties.ts'
import type { ObjectShape, Properties, Property } from '../../../src/transform/parse/shape.ts'
import { referralId, rowsOf } from '../../support/referral-builder.ts'

interface Leaf {
  path: string
  kind: string
  /** What must turn up in the rows. */
  mark: string
}

/** A payload in which every property of the specification holds a value of its own. */
function markedPayload(spell: (name: string) => string) {
  const leaves: Leaf[] = []
  const payload = markedObject(referralShape, '', spell, leaves)
  return { payload, leaves }
}

function markedObject(
  shape: ObjectShape<Properties>,
  path: string,
  spell: (name: string) => string,
  leaves: Leaf[],
): Record<string, unknown> {
  const entries = Object.entries(shape.properties).map(([name, property]) => [
    spell(name),
    markedValue(property, path === '' ? name : `${path}.${name}`, spell, leaves),
  ])
  return Object.fromEntries(entries)
}

// An id in this form and the plain fields beside it exclude each other.
const customerIdPath = 'customerProfile.ids'

function markedValue(
  property: Property,
  path: string,
  spell: (name: string) => string,
  leaves: Leaf[],
): unknown {
  switch (property.kind) {
    case 'object':
      return markedObject(property.of, path, spell, leaves)
    case 'list':
    case 'both':
    case 'people':
      return [markedObject(property.of, path, spell, leaves)]
    default: {
      const number = leaves.length + 1
      const { wire, mark } = marked(property.kind, path, number)
      if (path !== `${customerIdPath}.profileType`) leaves.push({ path, kind: property.kind, mark })
      return wire
    }
  }
}

function marked(kind: string, path: string, number: number): { wire: unknown; mark: string } {
  if (path === 'id') return { wire: referralId, mark: referralId }
  if (path === `${customerIdPath}.profileType`) return { wire: 'none of ours', mark: '' }
  if (path === `${customerIdPath}.id`) return { wire: 'unused', mark: 'customer' }
  switch (kind) {
    case 'flag':
      return { wire: false, mark: '' }
    case 'decimal':
      return { wire: 1000 + number, mark: String(1000 + number) }
    case 'instant': {
      const twoDigits = (of: number) => String(of).padStart(2, '0')
      const day = `2025-${twoDigits(1 + Math.floor(number / 28))}-${twoDigits(1 + (number % 28))}`
      return { wire: `${day}T00:00:01Z`, mark: day }
    }
    case 'texts':
      return { wire: [`MARK ${number}.`], mark: `MARK ${number}.` }
    case 'dictionary':
      return { wire: { [`MARK ${number}.`]: 'value' }, mark: `MARK ${number}.=value` }
    default:
      return { wire: `MARK ${number}.`, mark: `MARK ${number}.` }
  }
}

/** Turns the flag at the path from false to true; in a list, that of its only item. */
function setAt(target: Record<string, unknown>, [name = '', ...rest]: string[]): void {
  if (rest.length === 0) {
    target[name] = true
    return
  }
  const inner = target[name]
  setAt((Array.isArray(inner) ? inner[0] : inner) as Record<string, unknown>, rest)
}

const spellings = {
  camelCase: (name: string) => name,
  PascalCase: (name: string) => name.charAt(0).toUpperCase() + name.slice(1),
  'upper case': (name: string) => name.toUpperCase(),
}

/** Read, and turned into something else than a column of its own text. */
const elsewhere: Readonly<Record<string, string>> = {
  [`${customerIdPath}.id`]: 'distinguished by profileType; the test of both forms has it',
  'details.solutionArea': 'replaces the property of the same name of the referral',
  'details.solutionPlay': 'replaces the property of the same name of the referral',
  'details.partnerRole': 'replaces the property of the same name of the referral',
  'details.requirements.solutionArea': 'replaces it likewise',
  'details.requirements.solutionPlay': 'replaces it likewise',
  'details.requirements.partnerRole': 'replaces it likewise',
}

describe.each(Object.entries(spellings))('in %s', (_name, spell) => {
  const { payload, leaves } = markedPayload(spell)
  const rows = rowsOf(payload)
  const cells = Object.entries(rows)
    .filter(([table]) => table !== 'stg.dq_finding' && table !== 'stg.enum_value')
    .flatMap(([table, list]) =>
      list.flatMap((row) => Object.values(row).map((cell) => ({ table, cell: String(cell) }))),
    )

  test.each(leaves.filter(({ kind }) => kind === 'flag'))(
    'the flag $path changes a column',
    ({ path }) => {
      const changed: Record<string, unknown> = JSON.parse(JSON.stringify(payload))
      setAt(changed, path.split('.').map(spell))
      expect(rowsOf(changed)).not.toEqual(rows)
    },
  )

  test.each(leaves.filter((leaf) => leaf.kind !== 'flag' && elsewhere[leaf.path] === undefined))(
    '$path reaches a column',
    ({ mark, kind }) => {
      const holds = (cell: string) =>
        kind === 'instant' || kind === 'flag'
          ? cell.startsWith(mark)
          : cell.toLowerCase() === mark.toLowerCase()
      expect(cells.some(({ cell }) => holds(cell))).toBe(true)
    },
  )

  test('people and notes reach the restricted tables alone', () => {
    const personal = leaves.filter(
      ({ path, kind }) => (/(^|\.)team\./.test(path) || path.endsWith('otes')) && kind === 'text',
    )
    expect(personal.length).toBeGreaterThanOrEqual(14)
    for (const { mark } of personal) {
      const tables = new Set(cells.filter(({ cell }) => cell.includes(mark)).map((at) => at.table))
      expect([...tables].every((table) => /contact|referral_text/.test(table))).toBe(true)
    }
  })
})
