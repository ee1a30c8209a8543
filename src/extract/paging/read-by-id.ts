import pLimit from 'p-limit'

/** Yields one answer for each id, in order, with up to `concurrency` requests under way. */
export async function* readById<Answer>(
  api: { getReferral(id: string): Promise<Answer> },
  ids: readonly string[],
  concurrency: number,
): AsyncGenerator<Answer> {
  const limit = pLimit({ concurrency, rejectOnClear: true })
  const underway: Promise<Answer>[] = []
  try {
    for (const id of ids) {
      const answer = limit(() => api.getReferral(id))
      // Its failure is thrown when it is awaited, or does not matter after an earlier one.
      answer.catch(() => undefined)
      underway.push(answer)
      // Twice as many as may run: the reader's pauses leave no request slot idle.
      const next = underway.length >= concurrency * 2 ? underway.shift() : undefined
      if (next !== undefined) yield await next
    }
    for (let next = underway.shift(); next !== undefined; next = underway.shift()) yield await next
  } finally {
    limit.clearQueue()
    await Promise.allSettled(underway)
  }
}
