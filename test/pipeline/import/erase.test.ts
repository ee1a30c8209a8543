import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { erase, findErasable } from '../../../src/pipeline/erase/erase.ts'
import { rebuild } from '../../../src/pipeline/rebuild.ts'
import { Simulation } from '../../../src/sandbox/population/simulation.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { canaries, email, holders, plantInto, quilla } from '../../support/canary.ts'
import { digestState } from '../../support/digest.ts'
import { withImport, writeFiles } from '../../support/import-files.ts'

/** Puts the person into the team and notes of every third referral, and before the customer's people. */
function planted(referrals: Referral[]): Referral[] {
  for (const [index, referral] of referrals.entries()) {
    if (index % 3 !== 0) continue
    plantInto(referral)
    if (!referral.customerProfile) continue
    referral.customerProfile.team = [quilla, ...(referral.customerProfile.team ?? [])]
  }
  return referrals
}

/** Tables in which an erasure changes rows; every other one stays as it was. */
const tablesOfPeople = [
  ...['pii.contact', 'pii.referral_text', 'dw.dim_seller', 'dw.bridge_referral_seller'],
  'pii.contact_change',
]

describe('cosell erase of imported files', () => {
  test(
    'an erased person of a file is nowhere after the same files again, later ones and a rebuild',
    () =>
      withImport(async ({ db, context, home, load, logged }) => {
        const { warehouse } = context
        const simulation = await Simulation.create(45, 7, 0)
        const files = await writeFiles(path.join(home, 'first'), planted(simulation.referrals()))
        await load(files)
        const places = (await holders(warehouse)).map((place) => place.split(':')[0])
        expect(places).toEqual(
          expect.arrayContaining(['pii.contact', 'pii.payload', 'pii.referral_text']),
        )
        const figures = await digestState(db, tablesOfPeople)

        const found = await findErasable(context, { email })
        expect(found.referrals).toBeGreaterThan(5)
        const result = await erase(context, found)
        expect(result.referrals).toBe(found.referrals)
        expect(result.rows['pii.payload']).toBeGreaterThanOrEqual(result.referrals)
        expect(result.rows['pii.contact']).toBeGreaterThan(5)
        expect(await holders(warehouse)).toEqual([])
        expect(await digestState(db, tablesOfPeople)).toEqual(figures)

        expect(await load(files)).toMatchObject({ new_rows: 0 })
        expect(await rebuild(context)).toMatchObject({ rows_written: 0 })
        expect(await holders(warehouse)).toEqual([])

        simulation.change(40)
        const later = await writeFiles(path.join(home, 'later'), planted(simulation.referrals()))
        expect((await load(later)).new_rows).toBeGreaterThan(20)
        expect(await holders(warehouse)).toEqual([])
        await rebuild(context)
        expect(await holders(warehouse)).toEqual([])
        const isTold = (line: string) => canaries.some((one) => line.toLowerCase().includes(one))
        expect(logged.filter(isTold)).toEqual([])
      }),
    180_000,
  )

  test(
    'all people and notes of a referral are erased from every file that shows it',
    () =>
      withImport(async ({ context, home, load }) => {
        const { warehouse } = context
        const simulation = await Simulation.create(30, 7, 0)
        const [first, ...others] = simulation.referrals()
        plantInto(first as Referral)
        const files = await writeFiles(path.join(home, 'first'), [first as Referral, ...others])
        await load(files)
        expect(await holders(warehouse)).not.toEqual([])
        const request = { referral: first?.id ?? '' }
        const result = await erase(context, await findErasable(context, request))
        expect(result.referrals).toBe(1)
        expect(await holders(warehouse)).toEqual([])
        expect(await load(files)).toMatchObject({ new_rows: 0 })
        await rebuild(context)
        expect(await holders(warehouse)).toEqual([])
      }),
    180_000,
  )
})
