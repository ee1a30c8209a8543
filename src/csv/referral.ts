import type { Json } from './cell/cell.ts'
import type { Column, Layout } from './layout/column.ts'
import { lettersAndDigits } from './layout/column.ts'
import { statusOfSubstatus, substatuses } from './layout/words.ts'

/** Referral in the shape of the API, with the properties that a row shows. Rows share parts of it. */
export type PartialReferral = { readonly [name: string]: Json }

type Draft = { [name: string]: Draft | Draft[] | Json }

/** Cell that holds a property of each item of a list. */
interface CellList {
  readonly column: Column
  readonly path: string
  readonly text: string
  readonly items: readonly string[]
}

const noColumns: readonly Column[] = []

/** Object or list of a referral, below the one with the number `parent`. */
interface Holder {
  readonly parent: number
  readonly name: string
  readonly isList: boolean
}

/** Property of a holder. */
interface Target {
  readonly holder: number
  readonly name: string
}

/** Properties that a column sets, and texts that are set beside them. */
export interface Places {
  readonly column: Column
  readonly targets: readonly Target[]
  readonly beside: readonly (readonly [Target, string])[]
}

/** Objects and lists that the columns of a file fill, each with its number; 0 is the referral. */
export class ReferralShape {
  readonly holders: Holder[] = [{ parent: -1, name: '', isList: false }]
  private readonly numbers = new Map([['', 0]])

  placesOf(column: Column): Places {
    const targets = column.kind === 'list' ? [] : column.paths.map((path) => this.targetOf(path))
    const beside = Object.entries(column.beside).map(([path, word]): [Target, string] => [
      this.targetOf(path),
      word,
    ])
    return { column, targets, beside }
  }

  private targetOf(path: string): Target {
    const cut = path.lastIndexOf('.')
    const name = path.slice(cut + 1)
    return { holder: this.numberOf(path.slice(0, Math.max(cut, 0)), isPlace(name)), name }
  }

  private numberOf(path: string, isList: boolean): number {
    const known = this.numbers.get(path)
    if (known !== undefined) return known
    const { holder: parent, name } = this.targetOf(path)
    const number = this.holders.push({ parent, name, isList }) - 1
    this.numbers.set(path, number)
    return number
  }
}

/** Builder of the referral of one row. */
export class ReferralDraft {
  private readonly root: Draft = {}
  private readonly made: (Draft | undefined)[] = [this.root]
  private lists: readonly CellList[] = []

  constructor(private readonly shape: ReferralShape) {}

  /** Sets the properties of a column. A value of a group is added to its list. */
  add({ column, targets, beside }: Places, text: string, value: Json): void {
    if (column.kind === 'list') {
      const [path = ''] = column.paths
      this.lists = [...this.lists, { column, path, text, items: value as readonly string[] }]
      return
    }
    for (const { holder, name } of targets) {
      const draft = this.made[holder] ?? this.make(holder)
      if (column.isRepeated) append(draft, name, value)
      else draft[name] = value
    }
    for (const [{ holder, name }, word] of beside) {
      const draft = this.made[holder] ?? this.make(holder)
      draft[name] = word
    }
  }

  private make(number: number): Draft {
    const { parent, name, isList } = this.shape.holders[number] as Holder
    const draft: Draft = isList ? ([] as unknown as Draft) : {}
    const above = this.made[parent] ?? this.make(parent)
    above[name] = draft
    this.made[number] = draft
    return draft
  }

  /**
   * Returns the referral. A registration that no column proves is left out, as flags are filled in
   * for deals without one.
   */
  finish(layout: Layout, row: { readonly cells: object }): PartialReferral {
    this.setLists()
    const proof = layout.registrationProof
    if (proof.length > 0 && this.root.registrations !== undefined) {
      const { cells } = row
      if (!proof.some((name) => name in cells)) delete this.root.registrations
    }
    if (layout.name === 'insights_cosell' || layout.name === 'insights_leads') {
      placeSubstatus(this.root)
    }
    return this.root as PartialReferral
  }

  /** Columns whose list has another length than the one before it, and so no place. */
  unpaired(): readonly Column[] {
    if (this.lists.length < 2) return noColumns
    const lengths = new Map<string, number>()
    return this.lists.flatMap(({ column, path, items }) => {
      const base = path.slice(0, path.lastIndexOf('.'))
      const length = lengths.get(base)
      if (length === undefined) lengths.set(base, items.length)
      return length === undefined || length === items.length || length === 1 ? [] : [column]
    })
  }

  private setLists(): void {
    if (this.lists.length === 0) return
    const lengths = new Map<string, number>()
    for (const { path, text, items } of this.lists) {
      const base = path.slice(0, path.lastIndexOf('.'))
      const property = path.slice(base.length + 1)
      const length = lengths.get(base) ?? items.length
      lengths.set(base, length)
      // The name of an only item may hold commas.
      const values = length === 1 ? [text] : items
      if (values.length !== length) continue
      for (const [index, value] of values.entries()) {
        if (value !== '') set(this.root, stepsOf(`${base}.${index}.${property}`), value)
      }
    }
  }
}

/** Insights has one status for both: `Won` is the substatus of a closed referral. */
function placeSubstatus(root: Draft): void {
  const { status, statusReason } = root
  if (typeof status !== 'string') return
  const own = substatuses.get(lettersAndDigits(status))
  const parent = own === undefined ? undefined : statusOfSubstatus.get(own)
  if (own !== undefined && parent !== undefined) {
    root.status = parent
    root.substatus = own
  } else if (typeof statusReason === 'string') {
    const reason = substatuses.get(lettersAndDigits(statusReason))
    if (reason === undefined || statusOfSubstatus.get(reason) !== status) return
    root.substatus = reason
    delete root.statusReason
  }
}

/** One step of a path: a property or, as a number, the place in a list. */
interface Step {
  readonly name: string
  /** Whether the next step is a place in a list. */
  readonly holdsList: boolean
}

function stepsOf(path: string): readonly Step[] {
  const names = path.split('.')
  return names.map((name, at) => ({ name, holdsList: isPlace(names[at + 1]) }))
}

function set(root: Draft, steps: readonly Step[], value: Json): void {
  holderOf(root, steps)[lastOf(steps)] = value
}

function append(draft: Draft, name: string, value: Json): void {
  const list = draft[name] as Json[] | undefined
  if (list === undefined) draft[name] = [value]
  else list.push(value)
}

/** Whether a step is a place in a list. */
function isPlace(name: string | undefined): boolean {
  return name !== undefined && /^\d+$/.test(name)
}

function lastOf(steps: readonly Step[]): string {
  return steps[steps.length - 1]?.name ?? ''
}

/** The object or list that has the last step; made where it is missing. */
function holderOf(root: Draft, steps: readonly Step[]): Draft {
  let holder = root
  for (let at = 0; at < steps.length - 1; at++) {
    const { name, holdsList } = steps[at] as Step
    let next = holder[name] as Draft | undefined
    if (next === undefined) {
      next = holdsList ? ([] as unknown as Draft) : {}
      holder[name] = next
    }
    holder = next
  }
  return holder
}
