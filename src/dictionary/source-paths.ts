/** Dotted name as a property of the source is written; the first letter is lower case. */
const pathText = /(?<![\w.@])@?[a-z]\w*(?:\[\])?(?:\.[a-z]\w*(?:\[\])?)*/g

/** Paths that a comment names, and texts in it that only look like one. */
export interface NamedPaths {
  readonly paths: readonly string[]
  readonly unknown: readonly string[]
}

/** Returns a function that finds paths of the source in a comment; `known` lists every path. */
export function pathFinder(known: readonly string[]): (comment: string) => NamedPaths {
  const full = new Map(known.map((path) => [withoutBrackets(path), path]))
  const byEnd = new Map<string, string[]>()
  for (const path of known) {
    const steps = withoutBrackets(path).split('.')
    for (let from = 1; from < steps.length; from++) {
      const end = steps.slice(from).join('.')
      byEnd.set(end, [...(byEnd.get(end) ?? []), path])
    }
  }
  return (comment) => {
    const paths = new Set<string>()
    const unknown = new Set<string>()
    for (const { 0: text, index } of comment.matchAll(pathText)) {
      // A plain word is a path only as the heading that begins the comment.
      const isPlain = !/[A-Z[\].]/.test(text)
      const isHeading = index === 0 && /^[.:,;]/.test(comment.slice(text.length))
      if (isPlain && !isHeading) continue
      if (/^(?:mart|dw|etl|raw|pii|stg|sql)\./.test(text)) continue
      const exact = full.get(withoutBrackets(text))
      const found = exact === undefined ? (byEnd.get(withoutBrackets(text)) ?? []) : [exact]
      if (found.length === 0 && !isPlain) unknown.add(text)
      for (const path of found) paths.add(path)
    }
    return { paths: [...paths], unknown: [...unknown] }
  }
}

function withoutBrackets(path: string): string {
  return path.replaceAll('[]', '')
}
