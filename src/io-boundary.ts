import { channel } from 'node:diagnostics_channel'

/** A place where a run meets the world outside of its process. */
export interface Boundary {
  readonly kind: 'http' | 'file' | 'sql' | 'copy'
  /** What is done there, such as `commit` or `rename token`: never a value. */
  readonly name: string
  readonly phase: 'before' | 'after'
}

const boundaries = channel('cosell:io')

/**
 * Says that the run is about to cross a boundary, or has crossed it. Whoever subscribes to the
 * channel `cosell:io` learns of it before the run goes on, so a test can end the process right
 * there. Without a subscriber nothing happens, and a name that is a function is not asked for.
 */
export function boundary(
  kind: Boundary['kind'],
  name: string | (() => string),
  phase: Boundary['phase'],
): void {
  if (!boundaries.hasSubscribers) return
  const told: Boundary = { kind, name: typeof name === 'string' ? name : name(), phase }
  boundaries.publish(told)
}

/** Does `exchange` between its two boundaries; one that fails has come back too. */
export async function across<T>(
  kind: Boundary['kind'],
  name: string | (() => string),
  exchange: () => Promise<T>,
): Promise<T> {
  boundary(kind, name, 'before')
  try {
    return await exchange()
  } finally {
    boundary(kind, name, 'after')
  }
}
