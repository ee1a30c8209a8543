import { describe, expect, test } from 'vitest'
import { CosellError } from '../../src/errors.ts'
import { loadQueueLibrary } from '../../src/queue/load-library.ts'

/** Code of the failure to load pg-boss; undefined when it was loaded. */
async function failureUnder(version: string): Promise<string | undefined> {
  try {
    await loadQueueLibrary(version)
    return undefined
  } catch (error) {
    if (!(error instanceof CosellError)) throw error
    return error.code
  }
}

describe('the Node.js of the queue', () => {
  test.each(['20.19.0', '20.20.2', '22.9.0', '22.11.0', '18.20.8'])(
    'Node.js %s is too old for pg-boss',
    async (version) => {
      expect(await failureUnder(version)).toBe('queue.node')
    },
  )

  test.each(['22.12.0', '22.20.0', '24.0.0', '26.0.0-nightly2026'])(
    'Node.js %s is refused only where npm has left pg-boss out',
    async (version) => {
      expect([undefined, 'queue.package']).toContain(await failureUnder(version))
    },
  )
})
