/**
 * Yields the items of `source`; the next one is requested while the caller works on the last one.
 * An error of the source is thrown where its item would have come.
 */
export async function* readAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let ahead = source.next()
  for (;;) {
    const next = await ahead
    if (next.done === true) return
    ahead = source.next()
    // Thrown at the next turn; without one, the caller has stopped reading.
    ahead.catch(() => undefined)
    yield next.value
  }
}
