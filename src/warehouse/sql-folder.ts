import { fileURLToPath } from 'node:url'
import { packageFolder } from '../version.ts'

const sqlFolder = new URL('sql/', packageFolder)

export const migrationsFolder = fileURLToPath(new URL('migrations/', sqlFolder))
export const martsFolder = fileURLToPath(new URL('marts/', sqlFolder))
export const checksFolder = fileURLToPath(new URL('checks/', sqlFolder))
/** SQL that turns a database of before the baseline into one of it. */
export const baselineUpgradeFile = fileURLToPath(new URL('baseline-upgrade.sql', sqlFolder))
