import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { openDatabase, type Warehouse } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { runAt } from './global-setup.ts'

export interface Login {
  readonly role: string
  readonly url: string
  readonly db: Kysely<Database>
  readonly warehouse: Warehouse
}

/** Runs `use` as a new login in these groups, which is dropped afterwards. */
export async function asLogin<T>(
  url: string,
  groups: readonly string[],
  use: (login: Login) => Promise<T>,
): Promise<T> {
  const role = `cosell_login_${randomUUID().replaceAll('-', '')}`
  const password = randomUUID()
  await runAt(url, sql`create role ${sql.id(role)} login password ${sql.lit(password)}`)
  try {
    for (const group of groups) await runAt(url, sql`grant ${sql.id(group)} to ${sql.id(role)}`)
    const own = new URL(url)
    own.username = role
    own.password = password
    const warehouse = await openDatabase(own.href)
    try {
      return await use({ role, url: own.href, db: warehouse.query, warehouse })
    } finally {
      await warehouse.close()
    }
  } finally {
    await runAt(url, sql`drop owned by ${sql.id(role)}`)
    await runAt(url, sql`drop role ${sql.id(role)}`)
  }
}
