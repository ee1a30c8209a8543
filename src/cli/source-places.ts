import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A place of a stack trace in a module, such as `file:///srv/dist/run-K3.js:12:7`. */
const modulePlace = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g

/**
 * Returns a stack trace with places of the sources, such as `src/load/copy/copy-into.ts:12:7`, for
 * those of the bundle. A place in a file without a source map stays.
 *
 * Node.js can do so for all errors, and then reads every map at its start: 0.05 s of 0.5.
 */
export function atSources(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>()
  return stack.replace(modulePlace, (place, url: string, line: string, column: string) => {
    if (!maps.has(url)) maps.set(url, readMap(url))
    const entry = maps.get(url)?.findEntry(Number(line) - 1, Number(column) - 1)
    if (entry === undefined || !('originalSource' in entry)) return place
    const source = entry.originalSource.replace(/^(\.\.\/)+/, '')
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  })
}

function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')))
  } catch {
    // The stack trace is worth more than the reason why it has no better places.
    return undefined
  }
}
