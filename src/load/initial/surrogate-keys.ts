import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { KeyMap } from './key-map.ts'

/** Each asking takes a turn, and keys that are left over are lost. */
const keysPerQuery = 2_000

const identities = {
  referral_key: 'dw.dim_referral',
  customer_key: 'dw.dim_customer',
  solution_key: 'dw.dim_solution',
  tag_key: 'dw.dim_tag',
} as const

export type Identity = keyof typeof identities

/** A staged row with its natural keys. */
export type NaturalRow = Readonly<Record<string, unknown>>

/** The surrogates of the members that were met so far, and new ones for those that come. */
export class Surrogates {
  /** By profile hash: there are about as many as referrals. */
  readonly customers = new KeyMap()
  readonly solutions = new Map<string, number>()
  readonly tags = new Map<string, number>()
  /** Of all accounts: status and substatus to key. */
  statuses: ReadonlyMap<string, number> = new Map()
  readonly #query: Kysely<Database>
  readonly #free: Record<Identity, number[]> = {
    referral_key: [],
    customer_key: [],
    solution_key: [],
    tag_key: [],
  }

  /** New keys come over `query`, which may be another connection: what is given is never taken back. */
  constructor(query: Kysely<Database>) {
    this.#query = query
  }

  /** A key that no other row has, by the sequence that serves SQL inserts too. */
  async next(identity: Identity): Promise<number> {
    return this.#free[identity].pop() ?? (await this.#refill(identity))
  }

  async #refill(identity: Identity): Promise<number> {
    const given = await sql<{ key: number }>`
      select nextval(pg_get_serial_sequence(${identities[identity]}, ${identity})) as key
      from generate_series(1, ${keysPerQuery}::integer)`.execute(this.#query)
    const keys = given.rows.map((row) => row.key).reverse()
    const key = keys.pop()
    if (key === undefined) throw new Error(`the sequence of ${identity} gave nothing`)
    this.#free[identity] = keys
    return key
  }
}

export function solutionOf(row: NaturalRow): string {
  return `${row.item_kind}\t${row.solution_id}`
}

export function tagOf(row: NaturalRow): string {
  return `${row.tag_group}\t${row.tag_type}\t${row.tag_id}`
}

export function statusOf(row: NaturalRow): string {
  return `${row.referral_status}\t${row.referral_substatus}`
}

export function previousStatusOf(row: NaturalRow): string {
  return `${row.previous_referral_status}\t${row.previous_referral_substatus}`
}
