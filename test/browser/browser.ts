import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'

const named = process.env.TEST_CHROMIUM
const executablePath = named ?? '/usr/bin/chromium'

/** Leaves no process behind that asks the network for anything. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface Visit {
  readonly page: Page
  /** What the page complained of: messages on the console, exceptions, dialogs. */
  readonly complaints: readonly string[]
  /** Every address that was asked for. */
  readonly requests: readonly string[]
}

/**
 * A headless Chromium with a profile of its own for the tests of a file, which are skipped where
 * there is none, unless TEST_CHROMIUM names one.
 */
export function browserOnce(): (html: string) => Promise<Visit> {
  let context: BrowserContext | undefined
  let folder = ''
  beforeEach((test) => {
    if (context === undefined) {
      test.skip(`no Chromium at ${executablePath}; TEST_CHROMIUM names another one`)
    }
  })
  beforeAll(async () => {
    if (named === undefined && !existsSync(executablePath)) return
    folder = await mkdtemp(path.join(tmpdir(), 'cosell-pages-'))
    const profile = path.join(folder, 'profile')
    context = await chromium.launchPersistentContext(profile, { executablePath, args: flags })
  })
  afterAll(async () => {
    await context?.close()
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  })
  return async (html) => {
    if (context === undefined) throw new Error('there is no browser')
    const file = path.join(folder, 'page.html')
    await writeFile(file, html)
    const page = context.pages()[0] ?? (await context.newPage())
    page.removeAllListeners()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('dialog', (dialog) => {
      complaints.push(dialog.message())
      return dialog.dismiss()
    })
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    return { page, complaints, requests }
  }
}
