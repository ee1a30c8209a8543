import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { withDatabase } from '../support/database.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

test('cosell docs writes below COSELL_HOME, or to the folder of --out, and names the server', () =>
  withDatabase((_, url) =>
    withHome(async (home) => {
      const env = { COSELL_DATABASE_URL: url, COSELL_HOME: path.join(home, 'kept') }
      const usual = await runCli(['docs', '--json'], { cwd: home, env })
      expect(usual.code).toBe(0)
      const { status, folder, files } = resultOf(usual)
      expect({ status, folder }).toEqual({ status: 'written', folder: `${home}/kept/docs` })
      expect(files).toEqual(
        expect.arrayContaining([
          'dictionary.html',
          'dictionary/measures.md',
          'dbt/sources.yml',
          'cosell.pbids',
          'contracts/mart.odcs.yaml',
          'power-bi/cosell.pbip',
        ]),
      )
      const connection = await readFile(`${folder}/cosell.pbids`, 'utf8')
      expect(connection).toContain(new URL(url).host)
      expect(connection).not.toContain(new URL(url).password)
      const model = `${folder}/power-bi/cosell.SemanticModel/definition`
      const parameters = await readFile(`${model}/expressions.tmdl`, 'utf8')
      expect(parameters).toContain(`"${new URL(url).host}"`)
      const written = await Promise.all(
        (files as string[]).map((file) => readFile(path.join(folder as string, file), 'utf8')),
      )
      expect(written.filter((text) => text.includes(new URL(url).password))).toEqual([])

      const shared = await runCli(['docs', '--out', 'shared'], { cwd: home, env })
      expect(shared).toMatchObject({ code: 0, stderr: '' })
      expect(shared.stdout).toContain(`${home}/shared/dictionary.html`)
      const page = await readFile(`${home}/shared/dictionary.html`, 'utf8')
      expect(page).toBe(await readFile(`${folder}/dictionary.html`, 'utf8'))
    }),
  ))

test('cosell docs fails with the folder and the remedy when it cannot write', () =>
  withDatabase((_, url) =>
    withHome(async (home) => {
      await writeFile(path.join(home, 'taken'), '')
      const env = { COSELL_DATABASE_URL: url }
      const { code, stderr } = await runCli(['docs', '--out', 'taken'], { cwd: home, env })
      expect(code).toBe(78)
      expect(stderr).toMatch(/taken: expected a folder to write to, got: .*Name another folder/s)
    }),
  ))
