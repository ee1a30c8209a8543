import type { TypedName } from './read-catalog.ts'

/** Model of the data dictionary, shared by the HTML page, the Markdown pages and the dbt sources. */
export interface Dictionary {
  readonly schemas: readonly SchemaEntry[]
  readonly relationships: readonly Relationship[]
  readonly contracts: readonly ContractExample[]
  readonly edgeCases: readonly EdgeCase[]
}

export interface SchemaEntry {
  readonly name: string
  readonly meaning: string
  readonly tables: readonly TableEntry[]
  readonly functions: readonly FunctionEntry[]
}

/** A function that returns rows. */
export interface FunctionEntry extends Pick<TableEntry, 'name' | 'grain' | 'notes' | 'questions'> {
  readonly arguments: readonly TypedName[]
  readonly columns: readonly TypedName[]
}

export interface TableEntry {
  /** Qualified by its schema. */
  readonly name: string
  readonly isView: boolean
  /** Meaning of one row: the first sentence of the comment. */
  readonly grain: string
  /** Other sentences of the comment, without the questions. */
  readonly notes: string
  /** Questions that the table answers. */
  readonly questions: readonly string[]
  readonly key: readonly string[]
  readonly uniques: readonly (readonly string[])[]
  readonly columns: readonly ColumnEntry[]
}

export interface ColumnEntry {
  readonly name: string
  readonly type: string
  /** Null for columns of views, where the database does not know. */
  readonly isNullable: boolean | null
  readonly isKey: boolean
  /** Meaning for people, without the source. */
  readonly meaning: string
  readonly lineage: Lineage
  /** Target table of its foreign key; null without one. */
  readonly pointsTo: string | null
}

/** `sent`: as the source has it; `computed`: from what it has; `ours`: from nothing of the source. */
export interface Lineage {
  readonly kind: 'sent' | 'computed' | 'ours'
  /** Properties as the API spells them, and columns of an Insights download in double quotes. */
  readonly paths: readonly string[]
}

/** Relationship from a fact or bridge to a dimension. */
export interface Relationship {
  readonly from: string
  readonly fromColumn: string
  readonly to: string
  readonly toColumn: string
  /** A foreign key, which tools detect; without one it follows from equal names. */
  readonly isDeclared: boolean
  /** A foreign key that the database enforces. */
  readonly isEnforced: boolean
  /** At most one row of `from` for each row of `to`. */
  readonly isOneToOne: boolean
  /** Default among several relationships between two tables. */
  readonly isActive: boolean
}

/** A contract and the result of the ACV rule, formatted for readers. */
export interface ContractExample {
  readonly title: string
  readonly explanation: string
  readonly currency: string
  readonly value: string
  readonly term: string
  readonly start: string
  /** End date as reported; null for a contract without end. */
  readonly end: string | null
  readonly lastDay: string
  readonly months: string
  readonly acv: string
  readonly annualized: string
  /** Calculation of the annual value. */
  readonly sum: string
  readonly years: readonly ContractYear[]
}

/** A contract with incomplete or unusual terms, and the result of the rule. */
export interface EdgeCase {
  readonly reported: string
  readonly status: string
  /** Null without an annual value. */
  readonly acv: string | null
  readonly reason: string
}

export interface ContractYear {
  readonly year: number
  readonly start: string
  readonly end: string
  readonly months: string
  readonly amount: string
}

/** Returns the grain without the words "One row per". */
export function rowOf({ grain }: Pick<TableEntry, 'grain'>): string {
  const row = grain.replace(/^One row per /, '')
  return row.charAt(0).toLowerCase() + row.slice(1)
}

/** Returns the comment of a table as one text: grain, questions, notes. */
export function descriptionOf({ grain, questions, notes }: TableEntry): string {
  return [grain, ...questions, notes].filter((text) => text !== '').join(' ')
}

/** Returns the columns that tell rows of one account apart; the key itself where it is the account. */
export function keyWithinAccount({ key }: Pick<TableEntry, 'key'>): readonly string[] {
  const columns = key.filter((name) => name !== 'partner_account_key')
  return columns.length > 0 ? columns : key
}

/** Returns a table's name without its schema. */
export function withoutSchema(table: string): string {
  return table.slice(table.indexOf('.') + 1)
}

export function tablesOf(dictionary: Dictionary, schema: string): readonly TableEntry[] {
  return dictionary.schemas.find(({ name }) => name === schema)?.tables ?? []
}

export function functionsOf(dictionary: Dictionary, schema: string): readonly FunctionEntry[] {
  return dictionary.schemas.find(({ name }) => name === schema)?.functions ?? []
}

/** Facts and bridges, where relationships start, in the order of the catalog. */
export function factsOf(dictionary: Dictionary): readonly TableEntry[] {
  const starts = new Set(dictionary.relationships.map(({ from }) => from))
  return tablesOf(dictionary, 'dw').filter(({ name }) => starts.has(name))
}

/** Dimensions, where relationships end, most used first. */
export function dimensionsOf(dictionary: Dictionary): readonly TableEntry[] {
  const facts = ({ name }: TableEntry) =>
    new Set(dictionary.relationships.filter(({ to }) => to === name).map(({ from }) => from)).size
  return tablesOf(dictionary, 'dw')
    .filter((table) => facts(table) > 0)
    .toSorted((a, b) => facts(b) - facts(a))
}
