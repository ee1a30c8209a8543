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
  readonly meaning: string
  readonly lineage: Lineage
  /** Target table of its foreign key; null without one. */
  readonly pointsTo: string | null
}

/** `sent`: a property of the source; `computed`: from properties; `ours`: from no property. */
export interface Lineage {
  readonly kind: 'sent' | 'computed' | 'ours'
  readonly paths: readonly string[]
}

/** Relationship from a fact or bridge to a dimension. */
export interface Relationship {
  readonly from: string
  readonly fromColumn: string
  readonly to: string
  readonly toColumn: string
  /** The database enforces it. */
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
export function rowOf({ grain }: TableEntry): string {
  const row = grain.replace(/^One row per /, '')
  return row.charAt(0).toLowerCase() + row.slice(1)
}

/** Returns a table's name without its schema. */
export function withoutSchema(table: string): string {
  return table.slice(table.indexOf('.') + 1)
}

export function tablesOf(dictionary: Dictionary, schema: string): readonly TableEntry[] {
  return dictionary.schemas.find(({ name }) => name === schema)?.tables ?? []
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
