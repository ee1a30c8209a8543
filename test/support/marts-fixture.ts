import type { Kysely } from 'kysely'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { isOpen, readTold, type Told } from './expected-marts.ts'
import { withNights } from './with-pipeline.ts'

/** A warehouse after some nights, and what the source told in them. */
export interface ToldWorld {
  readonly db: Kysely<Database>
  /** The sandbox's days after the first night and after each change. */
  readonly days: readonly string[]
  readonly told: readonly Told[]
  /** What the source no longer shows. */
  readonly missing: ReadonlySet<string>
  /** Told, less what is missing and open. */
  readonly shown: readonly Told[]
  close(): Promise<void>
}

/**
 * Three hundred referrals of years of business, which change and arrive over three nights; then 20
 * vanish from sight, open and closed ones, and two full reads miss them.
 */
export function openToldWorld(): Promise<ToldWorld> {
  return new Promise((ready, fail) => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const living = withNights({ referrals: 300, seed: 23 }, async ({ sandbox, db, run }) => {
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
      await run(true)
      const told = await readTold(db)
      const shown = told.filter(({ id, latest }) => !(missing.has(id) && isOpen(latest)))
      ready({
        db,
        days,
        told,
        missing,
        shown,
        close: () => {
          release()
          return living
        },
      })
      await released
    })
    living.catch(fail)
  })
}
