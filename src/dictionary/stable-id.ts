import { createHash } from 'node:crypto'

/** Returns a GUID that follows from the name, so that a project written again keeps its identities. */
export function stableId(name: string): string {
  const hex = createHash('sha256').update(`cosell ${name}`).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}
