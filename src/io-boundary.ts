import { channel } from 'node:diagnostics_channel'

/** Point where a run crosses the border of its process. */
export interface IoBoundary {
  readonly kind: 'http' | 'file' | 'sql' | 'copy'
  /** Operation, such as `commit` or `rename token`; never a value. */
  readonly name: string
  readonly phase: 'before' | 'after'
}

/** Name of the channel of boundaries; tests outside of the program use it too. */
export const ioChannelName = 'cosell:io'

const ioChannel = channel(ioChannelName)

/**
 * Publishes that the run is about to cross a boundary, or has crossed it. Subscribers of the channel
 * `cosell:io` are called before the run goes on: the watchdog, and a test that ends the process at
 * that point. Without a subscriber nothing happens, and a name that is a function is not called.
 */
export function ioBoundary(
  kind: IoBoundary['kind'],
  name: string | (() => string),
  phase: IoBoundary['phase'],
): void {
  if (!ioChannel.hasSubscribers) return
  const event: IoBoundary = { kind, name: typeof name === 'string' ? name : name(), phase }
  ioChannel.publish(event)
}

/** Runs `exchange` between its two boundaries; the second one follows a failure too. */
export async function traceIo<T>(
  kind: IoBoundary['kind'],
  name: string | (() => string),
  exchange: () => Promise<T>,
): Promise<T> {
  ioBoundary(kind, name, 'before')
  try {
    return await exchange()
  } finally {
    ioBoundary(kind, name, 'after')
  }
}
