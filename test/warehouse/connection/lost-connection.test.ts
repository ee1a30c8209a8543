import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  landReferrals,
  publishStaged,
  stageLanded,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'
import { withWire } from '../../support/wire.ts'

describe('publish', () => {
  test.each([
    { heard: 'delivered', why: 'after it: the ledger has the publish' },
    { heard: 'undelivered', why: 'before it: the publish is repeated' },
  ] as const)('a publish survives a connection lost at its commit, $why', ({ heard }) =>
    withDatabase((_, url, direct) =>
      withWire(url, async (wire) => {
        const warehouse = await openDatabase(wire.url)
        const account = await anAccount(warehouse)
        const runId = await aRun(account)
        await landReferrals(account, runId, [aReferral()])
        const staged = await stageLanded(account, 'unpublished')
        wire.cutAt('commit', heard)
        const published = await publishStaged(account, runId, staged)
        expect(wire.isDone()).toBe(true)
        expect(published).toMatchObject({ staged: 1, changed: 1 })
        expect(await countOf(direct, 'dw.fact_referral')).toBe(1)
        await warehouse.close()
      }),
    ),
  )
})
