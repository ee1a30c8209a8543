/**
 * Yields the items of `source`; the next one is requested while the caller works on the last one.
 * An error of the source is thrown where its item would have come. When the caller stops, so does the
 * source, behind the item that is under way.
 */
export async function* readAhead<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  const items = source[Symbol.asyncIterator]()
  let ahead = items.next()
  try {
    for (;;) {
      const next = await ahead
      if (next.done === true) return
      ahead = items.next()
      // Thrown at the next turn; without one, the caller has stopped reading.
      ahead.catch(() => undefined)
      yield next.value
    }
  } finally {
    // Not waited for: it comes behind the item that is requested.
    void items.return?.()?.catch(() => undefined)
  }
}
