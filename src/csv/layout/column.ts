/** Kind of value that the cells of a column hold. */
export type ColumnKind =
  /** Any text. */
  | 'text'
  /** Id of a referral or engagement: 8-4-4-4-12 letters and digits. */
  | 'referralId'
  /** Id of any other kind, which a spreadsheet may have turned into a number. */
  | 'id'
  /** D-U-N-S number: nine digits, of which the first may be 0. */
  | 'duns'
  /** Postal code, whose length the customer's country decides. */
  | 'postalCode'
  | 'amount'
  | 'currency'
  | 'date'
  /** Yes or no. */
  | 'flag'
  /** Member of a documented list; another value stays as it is. */
  | 'word'
  /** Number that stands for a documented word. */
  | 'code'
  /** Messages of an upload, separated by semicolons. */
  | 'errors'
  /** `SOL-1234-PQRS, USD, 10, 100`: id, currency, price and quantity. */
  | 'solution'
  /** `Bob, Partner, 999999, bob@example.com`: first name, last name, phone number and e-mail. */
  | 'person'
  /** Values separated by commas, one for each item of a list. */
  | 'list'

/** One column of a layout, or a group of columns that are numbered. */
export interface Column {
  /** Name as documented; a group's name comes without its number. */
  readonly name: string
  readonly kind: ColumnKind
  /** Other spellings that Partner Center uses. */
  readonly also: readonly string[]
  /** Whether a file of the layout may lack it. */
  readonly isOptional: boolean
  /** Whether it comes as `Name 1`, `Name 2`, …, any number of times. */
  readonly isRepeated: boolean
  /** Whether it holds people or free text, which only `pii` may hold. */
  readonly isRestricted: boolean
  /** Whether a row without a readable value is quarantined. */
  readonly isRequired: boolean
  /** Properties of the referral that get the value, as `registrations.0.contract.value`. */
  readonly paths: readonly string[]
  /** Texts that are set beside the value, by path. */
  readonly beside: Readonly<Record<string, string>>
  /** Values of a word, code or flag by their key: letters and digits in lower case. */
  readonly values: ReadonlyMap<string, string>
}

type ColumnOptions = {
  [Name in 'also' | 'paths' | 'beside' | 'values']?: Column[Name]
} & { [Name in 'isOptional' | 'isRepeated' | 'isRestricted' | 'isRequired']?: boolean }

const noValues: ReadonlyMap<string, string> = new Map()

/** Returns a column with what was left out: present, single, open, and without a property. */
export function column(
  name: string,
  kind: ColumnKind,
  path: string | null,
  options: ColumnOptions = {},
): Column {
  return {
    name,
    kind,
    also: [],
    isOptional: false,
    isRepeated: false,
    isRestricted: false,
    isRequired: false,
    paths: path === null ? [] : [path],
    beside: {},
    values: noValues,
    ...options,
  }
}

export type LayoutName =
  | 'cosell_2023'
  | 'cosell_2021'
  | 'registrations'
  | 'insights_cosell'
  | 'insights_leads'

/** Columns of one kind of download. */
export interface Layout {
  readonly name: LayoutName
  /** Title for people. */
  readonly title: string
  readonly columns: readonly Column[]
  /** Columns of which one must be filled before a row shows a registration; empty when all do. */
  readonly registrationProof: readonly string[]
  /** Columns with days that Partner Center itself writes, none later than the download. */
  readonly sourceDays: readonly string[]
}

/** Letters and digits of a text in lower case, by which spellings are compared. */
export function lettersAndDigits(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '')
}

/** Values by their key: each documented spelling, and further spellings of another value. */
export function wordList(
  words: readonly string[],
  others: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, string> {
  return new Map([
    ...words.map((word): [string, string] => [lettersAndDigits(word), word]),
    ...Object.entries(others).map(([key, word]): [string, string] => [lettersAndDigits(key), word]),
  ])
}
