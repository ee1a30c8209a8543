import { scalar } from './shape.ts'

export const text = scalar('text')
/** Text that is part of a unique key, where PostgreSQL takes 2,704 bytes at most. */
export const key = scalar('key')
/** A member of an enum or value list: a number in its place is invalid. */
export const word = scalar('word')
/** Text in which the API leaves HTML entities undecoded. */
export const name = scalar('name')
/** Key in which the API leaves HTML entities undecoded, as in names. */
export const tagId = scalar('tag')
export const flag = scalar('flag')
export const decimal = scalar('decimal')
export const instant = scalar('instant')
export const texts = scalar('texts')
