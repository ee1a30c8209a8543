import { layWords, type Style, type Word } from './terminal-text.ts'

/** Columns of the time and the space after it, below which the lines of an event go on. */
const indent = 9

/** Fields that a readable line shows otherwise, or not at all. */
const omitted = new Set(['level', 'time', 'msg'])

/**
 * Returns an event of the log as a person reads it: time, level, message, then its fields in
 * brackets. Fields without a value, and zeros within an object, are left out.
 */
export function readableEvent(line: string, columns: number, style: Style): string {
  const event: Record<string, unknown> = JSON.parse(line)
  const level = Number(event.level)
  const fields = Object.entries(event)
    .filter(([name]) => !omitted.has(name))
    .flatMap(([name, value]) => readableField(name, value))
  const words: Word[] = [
    { text: String(event.time).slice(11, 19), emphasis: 'aside' },
    ...(level >= 50 ? [{ text: 'error', emphasis: 'error' } as const] : []),
    ...(level >= 40 && level < 50 ? [{ text: 'warning', emphasis: 'warning' } as const] : []),
    ...wordsOf(String(event.msg ?? '')).map((text) => ({ text })),
    ...inBrackets(fields),
  ]
  return layWords(words, columns, indent, style)
}

type Field = readonly [name: string, value: string]

function readableField(name: string, value: unknown): Field[] {
  if (value === null || value === undefined) return []
  const label = name.replace(/_id$/, '').replaceAll('_', ' ')
  if (Array.isArray(value)) return [[label, value.map(String).join(', ')]]
  if (typeof value !== 'object') return [[label, String(value)]]
  return Object.entries(value)
    .filter(([, part]) => part !== 0)
    .flatMap(([part, content]) => readableField(part, content))
}

/** Lays fields out as `(run 1, mode full)`, with their names as an aside. */
function inBrackets(fields: readonly Field[]): Word[] {
  return fields.flatMap(([name, value], index) => {
    const open = index === 0 ? '(' : ''
    const close = index === fields.length - 1 ? ')' : ','
    const names = wordsOf(`${open}${name}`).map((text): Word => ({ text, emphasis: 'aside' }))
    return [...names, ...wordsOf(`${value}${close}`).map((text): Word => ({ text }))]
  })
}

/** Splits a text at its spaces, without control characters, so that no payload moves the cursor. */
function wordsOf(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are replaced
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return shown.split(' ').filter((word) => word !== '')
}
