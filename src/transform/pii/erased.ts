import { isEmpty, isObject } from '../parse/invalid-payload.ts'
import { memoize } from '../values/memoize.ts'

// Pure: what is left of a landed version once people were erased.

/** Key of the object that stands for an erased person among the people of a landed version. */
const markKey = '(erased)'
/** What stands for erased text. */
export const erasedText = '(erased)'

/** Side of an erased person, by which their share in a deal is kept, and when they were erased. */
export interface ErasedMark {
  readonly kind: 'Own' | 'Microsoft'
  readonly at: string
}

/** People who were erased: when, by keyed hash. */
export type Erased = ReadonlyMap<string, string>

/** The parts of a landed version in which people may be. */
export interface Cut {
  readonly payload: unknown
  readonly people: unknown
}

/** Returns the mark of an erased person, given the properties of the member without a column. */
export function markOf(extra: Readonly<Record<string, unknown>> | null): ErasedMark | null {
  const mark = extra?.[markKey]
  if (!isObject(mark) || typeof mark.at !== 'string') return null
  return { kind: mark.kind === 'Microsoft' ? 'Microsoft' : 'Own', at: mark.at }
}

/** Digits of a phone number; empty without one. */
export const digitsOf = (phone: string) => phone.replaceAll(/\D/g, '')

/**
 * Text whose keyed hash identifies a name: its first and its last word, in alphabetical order. Null for
 * a name of one word, which many have.
 */
export function nameKey(name: string): string | null {
  const words = wordsOf(name)
  const [first, last] = [words[0], words.at(-1)]
  return first === undefined || last === undefined || words.length < 2 ? null : pairKey(first, last)
}

/** Text whose keyed hash identifies a referral of which all people are erased. */
export const referralKey = (resourceId: string) => `referral ${resourceId}`

function pairKey(one: string, other: string): string {
  return one < other ? `name ${one} ${other}` : `name ${other} ${one}`
}

function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}'’-]+/gu) ?? []
  )
}

/** Words of a name stand at most so far from each other: "Anna Maria von Berg". */
const nameSpan = 3
const address = /[^\s"'\\<>()[\]{},;:|@]+@[^\s"'\\<>()[\]{},;:|@]+/gu
const number = /\+?\d[\d\s()./-]{4,}\d/g

/** Words recur in notes, and each pair of them is hashed. */
const memoizedDigestsMax = 20_000

/** Recognises erased people by keyed hash, and takes them out of landed versions. */
export class Eraser {
  readonly #erased: Erased
  readonly #hmac: (text: string) => string

  constructor(erased: Erased, hmac: (text: string) => string) {
    this.#erased = erased
    this.#hmac = memoize(hmac, memoizedDigestsMax)
  }

  /**
   * Returns a version without erased people: a member of a list becomes a mark, a text that names one
   * becomes `(erased)`, and their address anywhere else too. Returns the version itself when it has none.
   */
  erase<Version extends Cut>(resourceId: string, version: Version): Version {
    if (this.#erased.size === 0) return version
    const at = this.referral(resourceId)
    const people = at === undefined ? this.#people(version.people) : everyone(version.people, at)
    const payload = this.#payload(version.payload, at)
    const isSame = people === version.people && payload === version.payload
    return isSame ? version : { ...version, people, payload }
  }

  /** Returns when all people of a referral were erased; undefined when they were not. */
  referral(resourceId: string): string | undefined {
    return this.#at(referralKey(resourceId))
  }

  /** Returns the text, or `(erased)` in place of one that names an erased person. */
  text(text: string): string {
    return this.#isNamedIn(text) ? erasedText : text
  }

  /** Returns when a member was erased; undefined when nobody erased them. */
  member(member: Readonly<Record<string, unknown>>): string | undefined {
    const texts = Object.values(member).filter((value) => typeof value === 'string')
    const found = texts.map((text) => this.#addressIn(text)).find((at) => at !== undefined)
    if (found !== undefined) return found
    if (textOf(member, 'email') !== '') return undefined
    const digits = digitsOf(textOf(member, 'phonenumber', 'phone_number'))
    const first = textOf(member, 'firstname', 'first_name')
    const name = nameKey(`${first} ${textOf(member, 'lastname', 'last_name')}`)
    const ofNumber = digits === '' ? undefined : this.#at(digits)
    return ofNumber ?? (name === null ? undefined : this.#at(name))
  }

  #at(text: string): string | undefined {
    return this.#erased.get(this.#hmac(text))
  }

  #addressIn(text: string): string | undefined {
    if (!text.includes('@')) return undefined
    for (const [found] of text.matchAll(address)) {
      const at = this.#at(addressOf(found))
      if (at !== undefined) return at
    }
    return undefined
  }

  #isNamedIn(text: string): boolean {
    if (this.#addressIn(text) !== undefined) return true
    for (const [found] of text.matchAll(number)) {
      if (this.#at(digitsOf(found)) !== undefined) return true
    }
    const words = wordsOf(text)
    for (const [index, word] of words.entries()) {
      for (const other of words.slice(index + 1, index + 1 + nameSpan)) {
        if (this.#at(pairKey(word, other)) !== undefined) return true
      }
    }
    return false
  }

  /** Members become marks, texts that name someone are replaced. */
  #people(value: unknown, isListed = false): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) {
      return sameOr(
        value,
        value.map((item) => this.#people(item, true)),
      )
    }
    if (!isObject(value) || markKey in value) return value
    if (isListed || isMember(value)) {
      const at = this.member(value)
      // A name that somebody else has as well does not make them the erased person.
      if (at !== undefined || isMember(value)) return at === undefined ? value : markFor(value, at)
    }
    return mapped(value, (item, key) => (key === 'cells' ? this.#cells(item) : this.#people(item)))
  }

  /** All cells of people of a row, if one is of an erased person: names are in cells of their own. */
  #cells(cells: unknown): unknown {
    if (!isObject(cells)) return cells
    const isNamed = this.#isNamedIn(Object.values(cells).map(String).join(' | '))
    return isNamed ? mapped(cells, () => erasedText) : cells
  }

  /** Addresses anywhere; in cells and faults of files, as people type them, names and numbers too. */
  #payload(payload: unknown, at: string | undefined): unknown {
    const cleaned = this.#withoutAddresses(payload)
    if (!isObject(cleaned) || !('cells' in cleaned) || !('problems' in cleaned)) return cleaned
    const { cells, problems } = cleaned
    const named = (item: unknown) => (typeof item === 'string' ? this.text(item) : item)
    const left = (item: unknown) => (at === undefined ? named(item) : erasedText)
    const leftOf = (problem: unknown) =>
      isObject(problem)
        ? mapped(problem, (item, key) => (key === 'got' ? left(item) : item))
        : problem
    const next = {
      cells: isObject(cells) ? mapped(cells, named) : cells,
      problems: Array.isArray(problems) ? sameOr(problems, problems.map(leftOf)) : problems,
    }
    const isSame = next.cells === cells && next.problems === problems
    return isSame ? cleaned : { ...cleaned, ...next }
  }

  #withoutAddresses(value: unknown): unknown {
    if (typeof value === 'string') {
      if (!value.includes('@')) return value
      return value.replaceAll(address, (found) =>
        this.#at(addressOf(found)) === undefined ? found : erasedText,
      )
    }
    if (Array.isArray(value)) {
      return sameOr(
        value,
        value.map((item) => this.#withoutAddresses(item)),
      )
    }
    return isObject(value) ? mapped(value, (item) => this.#withoutAddresses(item)) : value
  }
}

/** Returns the people part with every member as a mark and every text erased. */
export function everyone(value: unknown, at: string): unknown {
  if (typeof value === 'string') return isBlank(value) ? value : erasedText
  if (Array.isArray(value)) {
    return sameOr(
      value,
      value.map((item) =>
        isObject(item) && !(markKey in item) ? anybody(item, at) : everyone(item, at),
      ),
    )
  }
  if (!isObject(value) || markKey in value) return value
  return isMember(value) ? anybody(value, at) : mapped(value, (item) => everyone(item, at))
}

/** A member without anything but preferences is no contact, and a mark would make one of it. */
function anybody(member: Readonly<Record<string, unknown>>, at: string) {
  const isSomebody = Object.entries(member).some(
    ([name, value]) => name.toLowerCase() !== 'contactpreference' && !isBlank(value),
  )
  return isSomebody ? markFor(member, at) : member
}

function isBlank(value: unknown): boolean {
  return typeof value === 'string' ? value.trim() === '' : isEmpty(value)
}

const memberKeys = new Set(['firstname', 'lastname', 'email', 'phonenumber'])

function isMember(value: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(value).some((name) => memberKeys.has(name.toLowerCase()))
}

/** Address as it is hashed: in lower case, without the mark of the sentence around it. */
function addressOf(found: string): string {
  return found
    .toLowerCase()
    .replace(/^mailto:/, '')
    .replace(/[.!?]+$/, '')
}

function markFor(member: Readonly<Record<string, unknown>>, at: string) {
  const domain = textOf(member, 'email').toLowerCase().split('@').at(-1) ?? ''
  return { [markKey]: { kind: sideOf(domain), at } }
}

/** Domains of customers end with .onmicrosoft.com; those of Microsoft's staff do not. */
export function sideOf(domain: string | null): ErasedMark['kind'] {
  return domain === 'microsoft.com' || domain?.endsWith('.microsoft.com') ? 'Microsoft' : 'Own'
}

function textOf(member: Readonly<Record<string, unknown>>, ...names: readonly string[]): string {
  for (const [key, value] of Object.entries(member)) {
    const isText = typeof value === 'string' || typeof value === 'number'
    if (isText && names.includes(key.toLowerCase())) return String(value).trim()
  }
  return ''
}

export function mapped(
  value: Readonly<Record<string, unknown>>,
  change: (item: unknown, key: string) => unknown,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(value)
  const changed = entries.map(([key, item]): [string, unknown] => [key, change(item, key)])
  const isSame = changed.every(([, item], index) => item === entries[index]?.[1])
  return isSame ? value : Object.fromEntries(changed)
}

function sameOr(value: readonly unknown[], changed: readonly unknown[]): readonly unknown[] {
  return changed.every((item, index) => item === value[index]) ? value : changed
}
