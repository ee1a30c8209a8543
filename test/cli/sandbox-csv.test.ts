import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

const population = ['--referrals', '60', '--seed', '3']

describe('cosell sandbox --write-csv', () => {
  test('cosell sandbox --write-csv writes the files, names them with their rows, and ends', () =>
    withHome(async (home) => {
      const args = ['sandbox', '--write-csv', 'files', ...population, '--json']
      const end = await runCli(args, { cwd: home })
      expect(end.code, end.stderr).toBe(0)
      const { status, folder, files } = resultOf(end) as {
        status: string
        folder: string
        files: { path: string; layout: string; rows: number }[]
      }
      expect({ status, folder }).toEqual({ status: 'written', folder: join(home, 'files') })
      const written = await readdir(join(home, 'files', 'partner-center'))
      expect(files.map(({ path }) => path)).toEqual(
        expect.arrayContaining(written.map((name) => `partner-center/${name}`)),
      )
      const [first] = files
      expect(first).toMatchObject({ layout: 'co-sell-opportunities-2023' })
      expect(first?.rows).toBeGreaterThan(40)
      const again = await runCli(args, { cwd: home })
      expect(resultOf(again)).toMatchObject({ code: 'sandbox.csv_not_written', exit_code: 78 })
    }))

  test('cosell sandbox --write-csv says which command loads the files', () =>
    withHome(async (home) => {
      const end = await runCli(['sandbox', '--write-csv', 'files', ...population], { cwd: home })
      expect(end.stdout).toContain(`cli.js import ${join(home, 'files', 'partner-center')}`)
    }))

  test.concurrent.each([
    {
      args: ['--write-csv', 'files', '--port', '8080'],
      says: "cannot be used with option '--port",
    },
    { args: ['--write-csv', 'files', '--no-skip'], says: "cannot be used with option '--no-skip" },
    { args: ['--acv-convention', 'months'], says: 'is for --write-csv alone' },
    {
      args: ['--write-csv', 'files', '--acv-convention', 'weeks'],
      says: 'Expected words of 365-days',
    },
  ])('cosell sandbox $args ends with 2 and writes nothing', ({ args, says }) =>
    withHome(async (home) => {
      const end = await runCli(['sandbox', ...args], { cwd: home })
      expect(end.code).toBe(2)
      expect(end.stderr).toContain(says)
      expect(await readdir(home)).toEqual([])
    }),
  )
})
