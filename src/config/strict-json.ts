/**
 * Parses JSON, and rejects what `JSON.parse` passes over: a key that an object has twice.
 *
 * @throws Error whose message names the line and never quotes the text, which may hold a secret.
 */
export function parseStrictJson(text: string): unknown {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    const [, at] = /position (\d+)/.exec(error instanceof Error ? error.message : '') ?? []
    const position = at === undefined ? text.length : Number(at)
    throw new Error(`it is not JSON (line ${lineAt(text, position)})`)
  }
  rejectRepeatedKeys(text)
  return parsed
}

function rejectRepeatedKeys(text: string) {
  const open: Set<string>[] = []
  for (const token of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    const [mark, quoted, colon] = token
    if (mark === '{' || mark === '[') open.push(new Set())
    else if (mark === '}' || mark === ']') open.pop()
    if (quoted === undefined || colon === undefined) continue
    const key = String(JSON.parse(quoted))
    const keys = open.at(-1)
    if (keys?.has(key)) {
      throw new Error(`line ${lineAt(text, token.index)} has ${key} a second time`)
    }
    keys?.add(key)
  }
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split(/\r\n|\n|\r/).length
}
