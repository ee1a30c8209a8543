import type { ColumnEntry } from './dictionary.ts'

/** Mark between the meaning of a column and its source, as comments of the database have it. */
const mark = ' Source: '
/** What follows the mark where the column is no copy of the source. */
const computedFrom = 'computed from '

type ColumnText = Pick<ColumnEntry, 'meaning' | 'lineage'>

/** Splits the comment of a column into what it means and where it comes from. */
export function splitComment(comment: string): ColumnText {
  const [meaning = '', source] = comment.split(mark)
  if (source === undefined) return { meaning, lineage: { kind: 'ours', paths: [] } }
  const isComputed = source.startsWith(computedFrom)
  const paths = source.slice(isComputed ? computedFrom.length : 0).split(', ')
  return { meaning, lineage: { kind: isComputed ? 'computed' : 'sent', paths } }
}

/** Joins again what `splitComment` splits, for tools that have one text for a column. */
export function joinComment({ meaning, lineage: { kind, paths } }: ColumnText): string {
  if (kind === 'ours') return meaning
  return `${meaning}${mark}${kind === 'computed' ? computedFrom : ''}${paths.join(', ')}`
}
