import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { databaseFailure, openDatabase } from '../../src/load/database.ts'
import { aReferral } from '../support/a-referral.ts'
import { withDatabase } from '../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  publishStaged,
  stageLanded,
} from '../support/staged-rows.ts'

interface Wire {
  /** The database, reached through the wire. */
  readonly url: string
  /** Cuts the next connection that says `word`: after PostgreSQL has heard it, or before. */
  cutAt(word: string, heard: 'heard' | 'unheard'): void
}

/** A wire to PostgreSQL that can be cut at a word that a client says. */
async function withWire<T>(url: string, use: (wire: Wire) => Promise<T>): Promise<T> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let cut: { word: string; heard: boolean } | undefined
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isCut = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) sockets.add(socket.on('error', end).on('close', end))
    client.on('data', (said) => {
      if (cut === undefined || !said.includes(cut.word)) return void upstream.write(said)
      const { heard } = cut
      cut = undefined
      isCut = true
      if (heard) upstream.write(said)
      else end()
    })
    upstream.on('data', (answered) => (isCut ? end() : void client.write(answered)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const through = new URL(url)
  through.port = String(typeof address === 'object' ? address?.port : 0)
  try {
    const cutAt: Wire['cutAt'] = (word, heard) => {
      cut = { word, heard: heard === 'heard' }
    }
    return await use({ url: through.href, cutAt })
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

describe('a connection that is lost at the commit of a publish', () => {
  test.each([
    { heard: 'heard', why: 'after it: the ledger says that it was published' },
    { heard: 'unheard', why: 'before it: nothing is published, and the next try is' },
  ] as const)('$why', ({ heard }) =>
    withDatabase((_, url, direct) =>
      withWire(url, async (wire) => {
        const warehouse = await openDatabase(wire.url)
        const account = await anAccount(warehouse)
        const runId = await aRun(account)
        await landReferrals(account, runId, [aReferral()])
        const staged = await stageLanded(account, 'unpublished')
        wire.cutAt('commit', heard)
        if (heard === 'heard') {
          const published = await publishStaged(account, runId, staged)
          expect(published).toMatchObject({ staged: 1, changed: 1 })
        } else {
          const failure = await failureOf(publishStaged(account, runId, staged))
          expect(databaseFailure(failure)).toMatchObject({ kind: 'tryAgainLater' })
          expect(await countOf(direct, 'dw.fact_referral')).toBe(0)
          await publishStaged(account, runId, staged)
        }
        expect(await countOf(direct, 'dw.fact_referral')).toBe(1)
        await warehouse.close()
      }),
    ),
  )
})

test('a connection that is lost while rows are staged fails the staging, not the process', () =>
  withDatabase((_, url) =>
    withWire(url, async (wire) => {
      const warehouse = await openDatabase(wire.url)
      const account = await anAccount(warehouse)
      await landReferrals(account, await aRun(account), [aReferral()])
      wire.cutAt('copy stg.dim_customer', 'unheard')
      const failure = await failureOf(stageLanded(account, 'unpublished'))
      expect(databaseFailure(failure)).toMatchObject({ kind: 'tryAgainLater' })
      expect((await stageLanded(account, 'unpublished')).get('stg.dim_customer')).toBe(1)
      await warehouse.close()
    }),
  ))
