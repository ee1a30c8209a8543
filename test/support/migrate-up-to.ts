import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kysely } from 'kysely'
import { migrate } from '../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'

const shipped = fileURLToPath(new URL('../../sql/migrations/', import.meta.url))

/**
 * Migrates an empty database up to a migration, such as `0019`, as an earlier version did. Views are
 * made when `marts` names their folder.
 */
export async function migrateUpTo(
  db: Kysely<Database>,
  last: string,
  marts?: string,
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-migrations-'))
  try {
    for (const name of await readdir(shipped)) {
      if (name.slice(0, 4) <= last) await cp(path.join(shipped, name), path.join(folder, name))
    }
    await migrate(db, marts === undefined ? { folder } : { folder, marts })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
