import pg from 'pg'

const int8 = 20
const date = 1082
const timestamptz = 1184
/** Keys stay below 2^53; a 64-bit hash does not, and stays text. */
const exactDigitsMax = 15

const parsers = new Map<number, (text: string) => unknown>([
  [int8, (text) => (text.length > exactDigitsMax ? text : Number(text))],
  [date, (text) => text],
  [timestamptz, (text) => `${text.slice(0, 10)}T${text.slice(11).replace('+00', '')}Z`],
])

/** Dates and instants as ISO text in UTC, keys as numbers, `numeric` as text. */
export const valueTypes = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    parsers.get(oid) ?? pg.types.getTypeParser(oid, format),
} as pg.CustomTypesConfig
