import { sortKey } from '../instants.ts'
import {
  type Entry,
  type FilterPath,
  filterPaths,
  readEntry,
  type TimeProperty,
  timeProperties,
} from '../population/referral-store.ts'
import type { SandboxOptions } from './options.ts'
import { badRequest } from './reply.ts'

export type Condition =
  | { readonly kind: 'field'; readonly path: FilterPath; readonly value: string }
  | { readonly kind: 'teamEmail'; readonly value: string }
  | TimeCondition

export interface TimeCondition {
  readonly kind: 'time'
  readonly property: TimeProperty
  readonly operator: string
  /** Padded to 7 fraction digits. */
  readonly value: string
}

type Dialect = Pick<SandboxOptions, 'dateFilter' | 'dateLiteral' | 'statusFilter'>
interface Token {
  readonly text: string
  readonly isString: boolean
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d{1,7})?Z$/
const comparison = /^(eq|ge|gt|le|lt)$/

/**
 * Reads the part of OData's filter language that is documented for referrals: comparisons joined
 * by `and`, in parentheses or not, and `team/any(t:t/email eq '…')`. All conditions must hold.
 * @throws ErrorReply (400) for everything else, such as `or`, `ne`, `in` and functions.
 */
export function parseFilter(text: string, dialect: Dialect): Condition[] {
  const reader = new TokenReader(tokenize(text))
  const conditions = parseTerms(reader, dialect)
  if (reader.peek() !== undefined) throw unsupported(`unexpected '${reader.peek()?.text}'`)
  return conditions
}

/** Returns true when the referral fulfils every condition. */
export function matches(entry: Entry, conditions: readonly Condition[]): boolean {
  return conditions.every((condition) => {
    if (condition.kind === 'field') return entry.fields.get(condition.path) === condition.value
    if (condition.kind === 'time') return matchesTime(entry[condition.property], condition)
    const mentioned = entry.json.includes(JSON.stringify(condition.value))
    return mentioned && (readEntry(entry).team ?? []).some((each) => each.email === condition.value)
  })
}

function matchesTime(key: string, { operator, value }: TimeCondition): boolean {
  if (operator === 'ge') return key >= value
  if (operator === 'gt') return key > value
  if (operator === 'le') return key <= value
  if (operator === 'lt') return key < value
  return key === value
}

class TokenReader {
  #index = 0
  constructor(readonly tokens: readonly Token[]) {}

  peek(): Token | undefined {
    return this.tokens[this.#index]
  }

  next(expected: string): Token {
    const token = this.tokens[this.#index++]
    if (token === undefined) throw unsupported(`expected ${expected}, got the end`)
    return token
  }

  /** Takes the next token when it is this word or sign. */
  take(text: string): boolean {
    const token = this.peek()
    const isIt = token !== undefined && !token.isString && token.text === text
    if (isIt) this.#index++
    return isIt
  }

  require(text: string): void {
    if (!this.take(text)) throw unsupported(`expected '${text}', got '${this.peek()?.text ?? ''}'`)
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:([()])|'((?:[^']|'')*)'|([^\s()']+))/y
  while (pattern.lastIndex < text.trimEnd().length) {
    const start = pattern.lastIndex
    const match = pattern.exec(text)
    if (match === null) throw unsupported(`cannot read '${text.slice(start)}'`)
    const [, sign, quoted, word] = match
    const isString = quoted !== undefined
    tokens.push({ text: isString ? quoted.replaceAll("''", "'") : (sign ?? word ?? ''), isString })
  }
  return tokens
}

function parseTerms(reader: TokenReader, dialect: Dialect): Condition[] {
  const conditions: Condition[] = []
  do {
    if (reader.take('(')) {
      conditions.push(...parseTerms(reader, dialect))
      reader.require(')')
    } else if (reader.take('team/any')) {
      conditions.push(parseTeamEmail(reader))
    } else {
      const condition = parseComparison(reader, dialect)
      if (!isIgnored(condition, dialect)) conditions.push(condition)
    }
  } while (reader.take('and'))
  return conditions
}

function isIgnored(condition: Condition, { statusFilter }: Dialect): boolean {
  return (
    statusFilter === 'ignored' &&
    condition.kind === 'field' &&
    condition.path === 'registrationStatus'
  )
}

function parseTeamEmail(reader: TokenReader): Condition {
  reader.require('(')
  const path = reader.next('a lambda').text
  if (!/^(\w+):\1\/email$/.test(path)) throw unsupported(`'team/any(${path} …)'`)
  reader.require('eq')
  const value = reader.next('an address')
  if (!value.isString) throw unsupported(`'${value.text}' is not a string literal`)
  reader.require(')')
  return { kind: 'teamEmail', value: value.text }
}

function parseComparison(reader: TokenReader, dialect: Dialect): Condition {
  const property = reader.next('a property').text
  const operator = reader.next('an operator').text
  const value = reader.next('a literal')
  if (!comparison.test(operator)) throw unsupported(`operator '${operator}'`)
  if ((timeProperties as readonly string[]).includes(property)) {
    return timeCondition(property as TimeProperty, operator, value, dialect)
  }
  const isRejected = property === 'registrationStatus' && dialect.statusFilter === 'rejected'
  if (isRejected || !(filterPaths as readonly string[]).includes(property)) {
    throw unsupported(`property '${property}'`)
  }
  if (operator !== 'eq') throw unsupported(`operator '${operator}' on '${property}'`)
  if (!value.isString) throw unsupported(`'${value.text}' is not a string literal`)
  return { kind: 'field', path: property as FilterPath, value: value.text }
}

function timeCondition(
  property: TimeProperty,
  operator: string,
  value: Token,
  dialect: Dialect,
): Condition {
  if (!dialect.dateFilter) throw unsupported(`property '${property}'`)
  if (value.isString !== (dialect.dateLiteral === 'quoted') || !instant.test(value.text)) {
    throw unsupported(`'${value.text}' as a literal for '${property}'`)
  }
  const withSeconds = value.text.replace(/T(\d\d:\d\d)Z$/, 'T$1:00Z')
  return { kind: 'time', property, operator, value: sortKey(withSeconds) }
}

function unsupported(what: string): Error {
  return badRequest('$filter', `The query option $filter is not valid: ${what}.`)
}
