import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { sandboxSettings } from '../../../src/sandbox/settings.ts'
import { withDatabase } from '../../support/database.ts'
import { countRows } from '../../support/digest.ts'
import { runCli } from '../../support/run-cli.ts'
import { withHome, withSandbox } from '../../support/with-pipeline.ts'

test('a misspelt account name without a sign-in leaves no row and no file behind', () =>
  withHome((home) =>
    withSandbox({ referrals: 10 }, ({ url: api }) =>
      withDatabase(async (db, url) => {
        const env = {
          ...sandboxSettings(api),
          COSELL_REFRESH_TOKEN: '',
          COSELL_ACCOUNT: 'defualt',
          COSELL_DATABASE_URL: url,
          COSELL_HOME: path.join(home, 'home'),
        }
        const before = await countRows(db, /./)
        const commands: readonly (readonly [number, string])[] = [
          [77, 'run'],
          [77, 'backfill --from 2026-01-01'],
          [77, 'backfill --from 2026-01-01 --plan'],
          [77, 'doctor'],
          [0, 'rebuild'],
          [0, 'status'],
          [0, 'account list'],
          [2, 'login --account x'],
          [2, 'forget --account defualt --yes'],
          [2, 'quarantine list --account defualt'],
        ]
        const ended = await Promise.all(
          commands.map(async ([, command]) => {
            const { code } = await runCli(command.split(' '), { cwd: home, env })
            return [code, command]
          }),
        )
        expect(ended).toEqual(commands)
        expect(await countRows(db, /./)).toEqual(before)
        const files = await readdir(home, { recursive: true })
        expect(files.filter((name) => name.includes('defualt'))).toEqual([])
      }),
    ),
  ))
