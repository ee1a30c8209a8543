import { randomUUID } from 'node:crypto'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { inject } from 'vitest'
import { openDatabase, type Warehouse } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { runAt, urlOf } from './global-setup.ts'

type Use<T> = (db: Kysely<Database>, url: string, warehouse: Warehouse) => Promise<T>

/** Runs `use` on a new migrated database, which is always dropped. */
export async function withDatabase<T>(use: Use<T>): Promise<T> {
  const failure = inject('migrationFailure')
  if (failure !== '') throw new Error(`there is no migrated database to clone: ${failure}`)
  // Copying files avoids the WAL: as fast alone, faster beside other tests that write.
  const template = sql.id(inject('databaseTemplate'))
  return await onClone(sql`template ${template} strategy file_copy`, async (db, url, warehouse) => {
    // A clone takes over everything but the rights to the database itself.
    const name = sql.id(new URL(url).pathname.slice(1))
    await sql`grant create on database ${name} to cosell_owner`.execute(db)
    return use(db, url, warehouse)
  })
}

/** Runs `use` on a new empty database, which is always dropped. */
export async function withEmptyDatabase<T>(use: Use<T>): Promise<T> {
  return await onClone(sql`template template0 strategy file_copy`, use)
}

async function onClone<T>(how: RawBuilder<unknown>, use: Use<T>): Promise<T> {
  const entrance = inject('databaseUrl')
  const name = `cosell_test_${randomUUID().replaceAll('-', '')}`
  await runAt(entrance, sql`create database ${sql.id(name)} ${how}`)
  try {
    const url = urlOf(entrance, name)
    const warehouse = await openDatabase(url)
    try {
      return await use(warehouse.query, url, warehouse)
    } finally {
      await warehouse.close()
    }
  } finally {
    await runAt(entrance, sql`drop database ${sql.id(name)} with (force)`)
  }
}
