import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { type IoBoundary, ioBoundary, traceIo } from '../src/io-boundary.ts'

async function published(use: () => Promise<unknown> | undefined): Promise<IoBoundary[]> {
  const events: IoBoundary[] = []
  const listen = (message: unknown) => events.push(message as IoBoundary)
  subscribe('cosell:io', listen)
  try {
    await use()
  } catch {
    // Only the published events matter, not how the work ended.
  } finally {
    unsubscribe('cosell:io', listen)
  }
  return events
}

test('traceIo publishes an exchange before it begins and after it ends, also when it fails', async () => {
  const order: string[] = []
  const done = await published(() => traceIo('file', 'sync', async () => order.push('done')))
  expect(done).toEqual([
    { kind: 'file', name: 'sync', phase: 'before' },
    { kind: 'file', name: 'sync', phase: 'after' },
  ])
  const failed = await published(() =>
    traceIo('http', 'POST ping', () => Promise.reject(new Error())),
  )
  expect(failed.map(({ phase }) => phase)).toEqual(['before', 'after'])
})

test('ioBoundary calls subscribers before the run goes on', async () => {
  const order: string[] = []
  const listen = ({ phase }: IoBoundary) => order.push(phase)
  const subscriber = (message: unknown) => listen(message as IoBoundary)
  subscribe('cosell:io', subscriber)
  await traceIo('sql', 'commit', async () => order.push('sent'))
  unsubscribe('cosell:io', subscriber)
  expect(order).toEqual(['before', 'sent', 'after'])
})

test('ioBoundary does not compute a name without a subscriber', async () => {
  let made = 0
  const name = () => {
    made += 1
    return 'commit'
  }
  ioBoundary('sql', name, 'before')
  expect(made).toBe(0)
  expect(await published(() => void ioBoundary('sql', name, 'before'))).toHaveLength(1)
  expect(made).toBe(1)
})
