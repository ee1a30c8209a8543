import { fileURLToPath } from 'node:url'

/** `sql/` lies beside `src/` in a checkout and beside `dist/` in the installed package. */
const sqlFolder = new URL('../../sql/', import.meta.url)

export const migrationsFolder = fileURLToPath(new URL('migrations/', sqlFolder))
export const martsFolder = fileURLToPath(new URL('marts/', sqlFolder))
export const checksFolder = fileURLToPath(new URL('checks/', sqlFolder))
/** SQL that turns a database of before the baseline into one of it. */
export const baselineUpgradeFile = fileURLToPath(new URL('baseline-upgrade.sql', sqlFolder))
