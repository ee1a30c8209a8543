/** Value of a variable, and the line that sets it, from 1. */
export interface DotEnvValue {
  readonly value: string
  readonly line: number
}

export interface DotEnv {
  readonly values: ReadonlyMap<string, DotEnvValue>
  /** Lines of ours that cannot be read, without their values. */
  readonly problems: readonly string[]
}

/** Where a value ends, and the last line that it takes. */
interface Read {
  readonly value: string
  readonly lastIndex: number
  readonly problem?: string
}

/**
 * Reads `NAME=value` lines: `export` before the name, values in single, double or back quotes, also
 * over several lines, `\n` in double quotes, and comments after a blank. A line that concerns cosell
 * and can be read in two ways is a problem: Node.js and other programs cut a value at `#`, or take a
 * lost quotation mark for a part of it. Lines of other programs are read as far as possible.
 */
export function parseDotEnv(text: string): DotEnv {
  const lines = text.split(/\r\n|\n|\r/)
  const values = new Map<string, DotEnvValue>()
  const problems: string[] = []
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]?.trim() ?? ''
    if (line === '' || line.startsWith('#')) continue
    const place = `.env line ${index + 1}`
    const [, name, rest = ''] = /^(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line) ?? []
    if (name === undefined) {
      if (isOurs(line)) problems.push(`${place}: expected NAME=value`)
      continue
    }
    const { value, lastIndex, problem } = readValue(lines, index, rest)
    const earlier = values.get(name)
    if (isOurs(name)) {
      if (problem !== undefined) problems.push(`${place}: ${name} ${problem}`)
      if (earlier !== undefined && earlier.value !== value) {
        problems.push(`${place}: ${name} has another value than in line ${earlier.line}; keep one`)
      }
    }
    values.set(name, { value, line: index + 1 })
    index = lastIndex
  }
  return { values, problems }
}

function isOurs(text: string): boolean {
  return /cosell/i.test(text)
}

function readValue(lines: readonly string[], index: number, rest: string): Read {
  const quote = /^["'`]/.exec(rest)?.[0]
  return quote === undefined ? readBare(rest, index) : readQuoted(lines, index, rest, quote)
}

function readBare(rest: string, lastIndex: number): Read {
  const value = rest.replace(/(^|\s)#.*$/, '').trimEnd()
  if (value.includes('#')) {
    const problem = 'holds a #, which begins a comment in some programs; put the value in quotes'
    return { value, lastIndex, problem }
  }
  if (/^[\u2018-\u201f\u00ab\u00bb]/.test(value)) {
    const problem = 'begins with a typographic quotation mark; use " or none'
    return { value, lastIndex, problem }
  }
  return { value, lastIndex }
}

function readQuoted(lines: readonly string[], index: number, rest: string, quote: string): Read {
  const read: string[] = []
  for (let at = index; at < lines.length; at++) {
    const text = at === index ? rest.slice(1) : (lines[at] ?? '')
    const end = text.indexOf(quote)
    if (end === -1) {
      read.push(text)
      continue
    }
    const whole = [...read, text.slice(0, end)].join('\n')
    const value = quote === '"' ? whole.replaceAll('\\n', '\n') : whole
    if (/^\s*(#.*)?$/.test(text.slice(end + 1))) return { value, lastIndex: at }
    const problem = `goes on after the closing ${quote}; quote it with another mark`
    return { value, lastIndex: at, problem }
  }
  return { value: rest, lastIndex: index, problem: `has no closing ${quote}` }
}
