/** Letters and dots as a property of the source is written; the first letter is small. */
const pathText = /(?<![\w.@])@?[a-z]\w*(?:\[\])?(?:\.[a-z]\w*(?:\[\])?)*/g

/** Paths that a comment names, and texts in it that look like one and are none. */
export interface NamedPaths {
  readonly paths: readonly string[]
  readonly unknown: readonly string[]
}

/** Finds paths of the source in comments of columns; `known` are all there are. */
export function pathFinder(known: readonly string[]): (comment: string) => NamedPaths {
  const full = new Map(known.map((path) => [plain(path), path]))
  const byEnd = new Map<string, string[]>()
  for (const path of known) {
    const steps = plain(path).split('.')
    for (let from = 1; from < steps.length; from++) {
      const end = steps.slice(from).join('.')
      byEnd.set(end, [...(byEnd.get(end) ?? []), path])
    }
  }
  return (comment) => {
    const paths = new Set<string>()
    const unknown = new Set<string>()
    for (const { 0: text, index } of comment.matchAll(pathText)) {
      // A plain word is a path only where the comment begins with it, as a heading of its own.
      const isPlain = !/[A-Z[\].]/.test(text)
      const isHeading = index === 0 && /^[.:,;]/.test(comment.slice(text.length))
      if (isPlain && !isHeading) continue
      if (/^(?:mart|dw|etl|raw|pii|stg|sql)\./.test(text)) continue
      const exact = full.get(plain(text))
      const found = exact === undefined ? (byEnd.get(plain(text)) ?? []) : [exact]
      if (found.length === 0 && !isPlain) unknown.add(text)
      for (const path of found) paths.add(path)
    }
    return { paths: [...paths], unknown: [...unknown] }
  }
}

function plain(path: string): string {
  return path.replaceAll('[]', '')
}
