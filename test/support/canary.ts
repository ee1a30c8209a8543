import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { to as copyTo } from 'pg-copy-streams'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import type { AlteredReply } from './altered-sandbox.ts'

/** Address of a person who must not be found after an erasure. */
export const email = 'quilla.zephyrine@canary.example'
/** Every text that leads to the person. */
export const canaries = ['quilla', 'zephyrine', 'canary.example', '98765432', '9876 5432']

export const quilla = {
  firstName: 'Quilla',
  lastName: 'Zephyrine',
  phoneNumber: '+49 30 9876 5432',
  email: 'Quilla.Zephyrine@canary.example',
}
const colleague = {
  firstName: 'Bo',
  lastName: 'Moe',
  phoneNumber: '+49 30 1111111',
  email: 'bo.moe@kept.example',
}

interface Planted {
  id?: string | null
  team?: object[] | null
  details?: { notes?: string | null } | null
  customerProfile?: { team?: object[] | null } | null
}

/** Puts the person, in every guise, into every third referral that the API shows. */
export function plant({ body }: AlteredReply) {
  const list = (Array.isArray(body.value) ? body.value : [body]) as Planted[]
  for (const referral of list) {
    if (typeof referral.id !== 'string') continue
    const place = Number.parseInt(referral.id.replaceAll('-', '').slice(-4), 16) % 3
    if (place === 0) plantInto(referral)
  }
}

/** Puts the person into a referral: the team, the notes, and at the end of the customer's people. */
export function plantInto(referral: Planted): void {
  referral.team = [...(Array.isArray(referral.team) ? referral.team : []), colleague, quilla]
  if (referral.details) {
    referral.details = {
      ...referral.details,
      notes: `Ask Quilla M. Zephyrine, or write ${email}.`,
    }
  }
  if (referral.customerProfile) {
    const { email: _, ...unaddressed } = quilla
    const team = [...(referral.customerProfile.team ?? []), unaddressed]
    referral.customerProfile = { ...referral.customerProfile, team }
  }
}

/** Tables whose rows, as COPY writes them, have one of the texts; statistics of the server too. */
export async function holders(
  { query, pool }: Pick<Warehouse, 'query' | 'pool'>,
  texts: readonly string[] = canaries,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.oid::regclass::text as name from pg_class c
    where c.relkind = 'r'
      and c.relnamespace::regnamespace::text in ('raw', 'pii', 'stg', 'etl', 'dw', 'mart')
    order by 1`.execute(query)
  const found: string[] = []
  const client = await pool.connect()
  try {
    for (const source of [...rows.map(({ name }) => name), '(select * from pg_stats)']) {
      const all = (await text(client.query(copyTo(`copy ${source} to stdout`)))).toLowerCase()
      const seen = texts.filter((canary) => all.includes(canary))
      if (seen.length > 0) found.push(`${source}: ${seen.join(', ')}`)
    }
  } finally {
    client.release()
  }
  return found
}
