import { editDistance, nearest } from './nearest.ts'

/** Properties of a setting that decide which variables may stand beside one another. */
export interface Traits {
  readonly field: string
  readonly isBlankRefused?: true
  readonly perAccount?: true
  readonly onlyEmbedded?: true
  readonly onlyServer?: true
  readonly onlySignIn?: true
}

export type SettingRows = readonly (readonly [name: string, Traits])[]

/** A variable as it was found. */
export interface Variable {
  readonly value: string
  /** `environment`, or the line of `.env`. */
  readonly origin: string
}

export type Variables = ReadonlyMap<string, Variable>

/** Edits that make a name of another program of one of ours. */
const editsMax = 2

/** Returns a line for each variable that has no effect, or another one than it seems to have. */
export function checkVariables(given: Variables, rows: SettingRows): string[] {
  const unknown = [...given.keys()].flatMap((name) => misspelt(name, rows))
  return [
    ...unknown,
    ...rows.flatMap(([name, traits]) => {
      const variable = given.get(name)
      if (variable === undefined) return []
      const place = placeOf(name, given)
      if (variable.value.trim() === '') return traits.isBlankRefused ? [blank(place)] : []
      if (isQuoted(variable)) {
        return [`${place}: the quotation marks are part of the value; remove them`]
      }
      if (traits.onlyServer && !isSet(given.get('COSELL_DATABASE_URL')?.value)) {
        return [`${place}: no effect without COSELL_DATABASE_URL; set both or none`]
      }
      const partner = partnersOf(traits).find((other) => isSet(given.get(other)?.value))
      if (partner === undefined) return []
      return [`${place}: no effect beside ${placeOf(partner, given)}; unset one of them`]
    }),
  ]
}

/** Returns a name with the place where it is set; the name alone when nothing sets it. */
export function placeOf(name: string, given: Variables): string {
  const origin = given.get(name)?.origin
  return origin === undefined ? name : `${name} (${origin})`
}

/** Returns the settings beside which a setting with these traits has no effect. */
function partnersOf({ perAccount, onlyEmbedded, onlySignIn }: Traits): string[] {
  return [
    ...(onlyEmbedded ? ['COSELL_DATABASE_URL'] : []),
    ...(perAccount ? ['COSELL_ACCOUNTS_FILE'] : []),
    ...(onlySignIn ? ['COSELL_ACCESS_TOKEN'] : []),
  ]
}

function misspelt(name: string, rows: SettingRows): string[] {
  const names = rows.map(([known]) => known)
  if (names.includes(name)) return []
  const meant = nearest(
    name,
    names.filter((known) => Math.abs(known.length - name.length) <= editsMax),
  )
  const isNear = meant !== undefined && editDistance(name, meant) <= editsMax
  if (!isNear && !/^cosell[_-]/i.test(name)) return []
  return [`${name}: not a setting of cosell, did you mean ${meant ?? nearest(name, names)}?`]
}

/** A shell and `.env` take quotation marks away; `docker run --env-file` and systemd leave them. */
function isQuoted({ value, origin }: Variable): boolean {
  return origin === 'environment' && /^(["'`]).*\1$/s.test(value) && value.length > 1
}

const blank = (place: string) =>
  `${place}: set to a blank value, which could choose another warehouse or account; give a value ` +
  'or remove it'

/**
 * Returns a line for each property of an accounts file that is unknown, blank where that is refused, or
 * without effect. Anything but a list of objects is left to the parser.
 */
export function checkEntries(parsed: unknown, rows: SettingRows): string[] {
  if (!Array.isArray(parsed)) return []
  return parsed.flatMap((entry: unknown, index) =>
    checkEntry(entry, rows, { before: `entry ${index + 1}, `, nameOf: (field) => field }),
  )
}

/** What people call the properties of an entry, and what is said before that. */
export interface EntryPlace {
  readonly before: string
  nameOf(field: string): string
}

/** `checkEntries` of one account. */
export function checkEntry(
  entry: unknown,
  rows: SettingRows,
  { before, nameOf }: EntryPlace,
): string[] {
  if (typeof entry !== 'object' || entry === null) return []
  const properties = new Map(
    rows.filter(([, { perAccount }]) => perAccount).map(([, traits]) => [traits.field, traits]),
  )
  const hasToken = isSet(Reflect.get(entry, 'accessToken'))
  return Object.entries(entry).flatMap(([field, value]) => {
    const place = before + nameOf(field)
    const traits = properties.get(field)
    if (traits === undefined) {
      const meant = nearest(field, [...properties.keys()])
      return [`${place}: not a property of an account, did you mean ${meant}?`]
    }
    if (traits.isBlankRefused && !isSet(value)) return [blank(place)]
    const isIdle = traits.onlySignIn && hasToken && isSet(value)
    return isIdle ? [`${place}: no effect beside ${nameOf('accessToken')}; remove one of them`] : []
  })
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && String(value).trim() !== ''
}
