import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BufferedLines, CopyBuffer } from '../../../src/load/copy/copy-buffer.ts'

type Table = 'facts' | 'dimensions'

const line = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => `${text.toWellFormed()}\n`)
const long = fc.constant(`${'ß'.repeat(300_000)}\n`)
const lines = fc.array(
  fc.tuple(
    fc.constantFrom<Table>('facts', 'dimensions'),
    fc.oneof({ weight: 30, arbitrary: line }, { weight: 1, arbitrary: long }),
  ),
  { maxLength: 120 },
)

/** A buffer that sends slowly, and the text that arrived. */
function slowBuffer(keepMs = 1) {
  const arrived = new Map<Table, string>()
  let isSending = false
  const buffer = new CopyBuffer<Table>(async (buffered: BufferedLines<Table>) => {
    expect(isSending, 'one after the other').toBe(false)
    isSending = true
    await sleep(keepMs)
    // Read only now: the pieces must not have been reused meanwhile.
    for (const [table, pieces] of buffered) {
      arrived.set(table, (arrived.get(table) ?? '') + Buffer.concat(pieces).toString())
    }
    isSending = false
  })
  return { buffer, arrived }
}

describe('CopyBuffer', () => {
  test('CopyBuffer sends every line in order, table by table, whenever it is flushed', () =>
    fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 40 }), async (given, every) => {
        const { buffer, arrived } = slowBuffer(0)
        for (const [index, [table, text]] of given.entries()) {
          buffer.add(table, text)
          if (index % every === 0) await buffer.flush()
        }
        await buffer.flush()
        await buffer.drain()
        for (const table of ['facts', 'dimensions'] as const) {
          const expected = given.filter(([to]) => to === table).map(([, text]) => text)
          expect(arrived.get(table) ?? '').toBe(expected.join(''))
        }
      }),
      { numRuns: 30 },
    ))

  test('CopyBuffer sends 4 MiB on its own while more lines are buffered', async () => {
    const { buffer, arrived } = slowBuffer(20)
    const text = `${'x'.repeat(999)}\n`
    for (let count = 0; count < 30_000; count++) {
      buffer.add('facts', text)
      await buffer.flushIfFull()
    }
    expect(arrived.get('facts')?.length).toBeGreaterThan(15_000_000)
    await buffer.flush()
    await buffer.drain()
    expect(arrived.get('facts')?.length).toBe(30_000_000)
  })
})

test('CopyBuffer throws a failure to send at the next step, and sends nothing after it', async () => {
  let sent = 0
  const buffer = new CopyBuffer<Table>(async () => {
    sent += 1
    throw new Error('refused')
  })
  buffer.add('facts', 'a\n')
  await buffer.flush()
  buffer.add('facts', 'b\n')
  await expect(buffer.flush()).rejects.toThrow('refused')
  await expect(buffer.drain()).rejects.toThrow('refused')
  expect(sent).toBe(1)
})
