import type { Kysely } from 'kysely'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { isOpen, readSource, type SourceReferral } from './expected-marts.ts'
import { withPipeline } from './with-pipeline.ts'

/** A warehouse after some nights, and the referrals of its source. */
export interface MartsFixture {
  readonly db: Kysely<Database>
  /** The sandbox's days after the first night and after each change. */
  readonly days: readonly string[]
  readonly source: readonly SourceReferral[]
  /** Referrals that the source no longer shows. */
  readonly missing: ReadonlySet<string>
  /** Referrals of the source, less those that are missing and open. */
  readonly shown: readonly SourceReferral[]
  close(): Promise<void>
}

/**
 * Three hundred referrals of years of business, which change and arrive over three nights. Then 20
 * of them, open and closed, become invisible, and two full reads miss them.
 */
export function openMartsFixture(): Promise<MartsFixture> {
  return new Promise((ready, fail) => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const population = { referrals: 300, seed: 23 }
    const living = withPipeline(
      population,
      async (nights) => {
        const { sandbox, db, run, passNight } = nights
        const days = [sandbox.now().slice(0, 10)]
        await run()
        for (const count of [50, 50]) {
          sandbox.change(count)
          sandbox.arrive(5)
          days.push(sandbox.now().slice(0, 10))
          await run()
        }
        const missing = new Set(sandbox.vanish(20))
        await run(true)
        await passNight()
        await run(true)
        const source = await readSource(db)
        const shown = source.filter(({ id, latest }) => !(missing.has(id) && isOpen(latest)))
        ready({
          db,
          days,
          source,
          missing,
          shown,
          close: () => {
            release()
            return living
          },
        })
        await released
      },
      {},
      1,
    )
    living.catch(fail)
  })
}
