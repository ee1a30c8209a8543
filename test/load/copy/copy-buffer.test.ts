import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Gathered, Outbox } from '../../../src/load/copy/copy-buffer.ts'

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

/** An outbox whose sending takes a moment, and what arrived in the end. */
function slowOutbox(keepMs = 1) {
  const arrived = new Map<Table, string>()
  let isSending = false
  const outbox = new Outbox<Table>(async (gathered: Gathered<Table>) => {
    expect(isSending, 'one after the other').toBe(false)
    isSending = true
    await sleep(keepMs)
    // Read only now: nobody may have used the buffers again meanwhile.
    for (const [table, pieces] of gathered) {
      arrived.set(table, (arrived.get(table) ?? '') + Buffer.concat(pieces).toString())
    }
    isSending = false
  })
  return { outbox, arrived }
}

describe('what is gathered', () => {
  test('arrives whole and in order, table by table, whenever it is shipped', () =>
    fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 40 }), async (given, every) => {
        const { outbox, arrived } = slowOutbox(0)
        for (const [index, [table, text]] of given.entries()) {
          outbox.add(table, text)
          if (index % every === 0) await outbox.ship()
        }
        await outbox.ship()
        await outbox.settle()
        for (const table of ['facts', 'dimensions'] as const) {
          const expected = given.filter(([to]) => to === table).map(([, text]) => text)
          expect(arrived.get(table) ?? '').toBe(expected.join(''))
        }
      }),
      { numRuns: 30 },
    ))

  test('is shipped by itself once there are 4 MiB, while more is gathered', async () => {
    const { outbox, arrived } = slowOutbox(20)
    const text = `${'x'.repeat(999)}\n`
    for (let count = 0; count < 30_000; count++) {
      outbox.add('facts', text)
      await outbox.passOn()
    }
    expect(arrived.get('facts')?.length).toBeGreaterThan(15_000_000)
    await outbox.ship()
    await outbox.settle()
    expect(arrived.get('facts')?.length).toBe(30_000_000)
  })
})

test('a failure to send comes out at the next step, and nothing is sent after it', async () => {
  let sent = 0
  const outbox = new Outbox<Table>(async () => {
    sent += 1
    throw new Error('refused')
  })
  outbox.add('facts', 'a\n')
  await outbox.ship()
  outbox.add('facts', 'b\n')
  await expect(outbox.ship()).rejects.toThrow('refused')
  await expect(outbox.settle()).rejects.toThrow('refused')
  expect(sent).toBe(1)
})
