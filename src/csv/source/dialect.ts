export type Separator = ',' | ';' | '\t'

/** Beginning of a file, as far as it was read to find the separator. */
export interface Dialect {
  readonly separator: Separator
  /** Characters before the header: the line `sep=;` that Excel writes and obeys. */
  readonly skip: number
}

const separators: readonly Separator[] = [',', ';', '\t']
const separatorLine = /^"?sep=([,;\t])"?(?:\r\n|\r|\n)/i

/**
 * Returns the separator of a file by its first line with text: the one that is there most often
 * outside of quotes, a comma when none is. Returns null while the text ends before that line does.
 */
export function findDialect(head: string, isEnd: boolean): Dialect | null {
  const declared = separatorLine.exec(head)
  if (declared !== null) {
    return { separator: declared[1] as Separator, skip: declared[0].length }
  }
  const counts = new Map<string, number>()
  let isQuoted = false
  let hasText = false
  for (let at = 0; at < head.length; at++) {
    const sign = head[at] ?? ''
    if (sign === '"') isQuoted = !isQuoted
    else if (isQuoted) continue
    else if (sign === '\n' || sign === '\r') {
      if (hasText) return { separator: mostOften(counts), skip: 0 }
    } else {
      counts.set(sign, (counts.get(sign) ?? 0) + 1)
      if (sign.trim() !== '') hasText = true
    }
    if (isQuoted) hasText = true
  }
  return isEnd ? { separator: mostOften(counts), skip: 0 } : null
}

function mostOften(counts: ReadonlyMap<string, number>): Separator {
  let best: Separator = ','
  for (const separator of separators) {
    if ((counts.get(separator) ?? 0) > (counts.get(best) ?? 0)) best = separator
  }
  return best
}
