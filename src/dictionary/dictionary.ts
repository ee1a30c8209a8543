/** What the data dictionary says, whatever it is written as. */
export interface Dictionary {
  readonly schemas: readonly SchemaEntry[]
  readonly relationships: readonly Relationship[]
  readonly contracts: readonly ContractExample[]
  readonly oddContracts: readonly OddContract[]
}

export interface SchemaEntry {
  readonly name: string
  readonly meaning: string
  readonly tables: readonly TableEntry[]
}

export interface TableEntry {
  /** With its schema. */
  readonly name: string
  readonly isView: boolean
  /** What one row stands for: the first sentence of the comment. */
  readonly grain: string
  /** The sentences after it, without the questions. */
  readonly notes: string
  /** What people ask it. */
  readonly questions: readonly string[]
  readonly key: readonly string[]
  readonly uniques: readonly (readonly string[])[]
  readonly columns: readonly ColumnEntry[]
}

export interface ColumnEntry {
  readonly name: string
  readonly type: string
  /** Null where the database does not tell. */
  readonly isNullable: boolean | null
  readonly isKey: boolean
  readonly meaning: string
  readonly origin: Origin
  /** Table that it points to by a foreign key; null when by none. */
  readonly pointsTo: string | null
}

/** `sent`: a property of the source; `computed`: from properties; `ours`: from neither. */
export interface Origin {
  readonly kind: 'sent' | 'computed' | 'ours'
  readonly paths: readonly string[]
}

/** How a fact or bridge finds its dimension. */
export interface Relationship {
  readonly from: string
  readonly fromColumn: string
  readonly to: string
  readonly toColumn: string
  /** The database enforces it. */
  readonly isEnforced: boolean
  /** At most one row of `from` for each row of `to`. */
  readonly isOneToOne: boolean
  /** Of several ways between two tables the one that a model uses unless told otherwise. */
  readonly isActive: boolean
}

/** A contract and what the ACV rule makes of it; amounts and dates as people read them. */
export interface ContractExample {
  readonly title: string
  readonly lesson: string
  readonly currency: string
  readonly value: string
  readonly term: string
  readonly start: string
  /** As reported; null for a contract without end. */
  readonly end: string | null
  readonly lastDay: string
  readonly months: string
  readonly acv: string
  readonly annualized: string
  /** How the annual value comes about. */
  readonly sum: string
  readonly years: readonly ContractYear[]
}

/** A contract that is not the usual case, and what the rule says of it. */
export interface OddContract {
  readonly reported: string
  readonly status: string
  /** Null when there is none. */
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

/** What one row stands for, after the words "One row per" where the comment has them. */
export function rowOf({ grain }: TableEntry): string {
  const row = grain.replace(/^One row per /, '')
  return row.charAt(0).toLowerCase() + row.slice(1)
}

/** Name without its schema. */
export function bare(table: string): string {
  return table.slice(table.indexOf('.') + 1)
}

export function tablesOf(dictionary: Dictionary, schema: string): readonly TableEntry[] {
  return dictionary.schemas.find(({ name }) => name === schema)?.tables ?? []
}

/** Facts and bridges, which relationships start from, in the order of the catalog. */
export function factsOf(dictionary: Dictionary): readonly TableEntry[] {
  const starts = new Set(dictionary.relationships.map(({ from }) => from))
  return tablesOf(dictionary, 'dw').filter(({ name }) => starts.has(name))
}

/** What relationships of facts end at: most used first. */
export function dimensionsOf(dictionary: Dictionary): readonly TableEntry[] {
  const facts = ({ name }: TableEntry) =>
    new Set(dictionary.relationships.filter(({ to }) => to === name).map(({ from }) => from)).size
  return tablesOf(dictionary, 'dw')
    .filter((table) => facts(table) > 0)
    .toSorted((a, b) => facts(b) - facts(a))
}
