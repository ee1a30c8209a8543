import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { withDatabase } from '../support/database.ts'
import { resultOf, startCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

describe('cosell open', () => {
  test('the page is served until SIGINT, which leaves nothing behind and ends with 130', () =>
    withDatabase((_, databaseUrl) =>
      withHome(async (home) => {
        const env = { COSELL_DATABASE_URL: databaseUrl }
        const process = startCli(['open', '--no-browser', '--json', '?as_of=2026-06-30'], {
          cwd: home,
          env,
        })
        const { url, ...rest } = resultOf(await process.waitFor('"running"'))
        expect(rest).toEqual({ status: 'running', browser_opened: false })
        expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\?as_of=2026-06-30$/)
        const page = await fetch(String(url))
        expect(page.status).toBe(200)
        expect(await page.text()).toContain('<script type="module" src="page.js">')
        const root = new URL('.', String(url))
        for (const file of ['page.js', 'page.css']) {
          expect((await fetch(new URL(file, root))).status, file).toBe(200)
        }
        const answer = await fetch(new URL('data/pipeline', root))
        expect(answer.status).toBe(200)
        process.child.kill('SIGINT')
        expect(await process.ended).toMatchObject({ code: 130 })
        await expect(fetch(String(url))).rejects.toThrow()
      }),
    ))

  test('the browser gets an address that works once and does not hold the token', () =>
    withDatabase((_, databaseUrl) =>
      withHome(async (home) => {
        const opener = path.join(home, 'xdg-open')
        const opened = path.join(home, 'opened')
        await writeFile(
          opener,
          `#!/bin/sh\nprintf '%s' "$*" > '${opened}.new' && mv '${opened}.new' '${opened}'\n`,
        )
        await chmod(opener, 0o755)
        const env = { COSELL_DATABASE_URL: databaseUrl, PATH: `${home}:/usr/bin:/bin` }
        const process = startCli(['open', '--json'], { cwd: home, env })
        const { url, browser_opened } = resultOf(await process.waitFor('"running"'))
        expect(browser_opened).toBe(true)
        const address = await expect
          .poll(() => readFile(opened, 'utf8').catch(() => ''))
          .toMatch(/^http/)
          .then(() => readFile(opened, 'utf8'))
        expect(address).not.toContain(new URL(String(url)).pathname)
        expect((await fetch(address)).url).toBe(url)
        expect((await fetch(address)).status).toBe(404)
        process.child.kill('SIGTERM')
        expect((await process.ended).code).toBe(143)
      }),
    ))

  test('a machine without a program for browsers is told the address', () =>
    withDatabase((_, databaseUrl) =>
      withHome(async (home) => {
        const env = { COSELL_DATABASE_URL: databaseUrl, PATH: home }
        const process = startCli(['open'], { cwd: home, env })
        const { stdout } = await process.waitFor('Ctrl-C ends it')
        expect(stdout).toContain('Open this address in a browser:')
        process.child.kill('SIGINT')
        expect((await process.ended).code).toBe(130)
      }),
    ))
})
