import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { across, type Boundary, boundary } from '../src/io-boundary.ts'

async function told(use: () => Promise<unknown> | undefined): Promise<Boundary[]> {
  const heard: Boundary[] = []
  const listen = (message: unknown) => heard.push(message as Boundary)
  subscribe('cosell:io', listen)
  try {
    await use()
  } catch {
    // What was told is asked for, not how it ended.
  } finally {
    unsubscribe('cosell:io', listen)
  }
  return heard
}

test('an exchange is told before it begins and after it ended, well or not', async () => {
  const order: string[] = []
  const done = await told(() => across('file', 'sync', async () => order.push('done')))
  expect(done).toEqual([
    { kind: 'file', name: 'sync', phase: 'before' },
    { kind: 'file', name: 'sync', phase: 'after' },
  ])
  const failed = await told(() => across('http', 'POST ping', () => Promise.reject(new Error())))
  expect(failed.map(({ phase }) => phase)).toEqual(['before', 'after'])
})

test('who listens stops the run before it goes on', async () => {
  const order: string[] = []
  const listen = ({ phase }: Boundary) => order.push(phase)
  const hear = (message: unknown) => listen(message as Boundary)
  subscribe('cosell:io', hear)
  await across('sql', 'commit', async () => order.push('sent'))
  unsubscribe('cosell:io', hear)
  expect(order).toEqual(['before', 'sent', 'after'])
})

test('a name is not made up when nobody listens', async () => {
  let made = 0
  const name = () => {
    made += 1
    return 'commit'
  }
  boundary('sql', name, 'before')
  expect(made).toBe(0)
  expect(await told(() => void boundary('sql', name, 'before'))).toHaveLength(1)
  expect(made).toBe(1)
})
