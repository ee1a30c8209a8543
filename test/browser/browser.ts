import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'

const configured = process.env.TEST_CHROMIUM
const executablePath = configured ?? '/usr/bin/chromium'

/** Flags that keep the browser itself off the network. */
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
  /** Console messages, exceptions and dialogs of the page. */
  readonly complaints: readonly string[]
  /** Addresses of all requests. */
  readonly requests: readonly string[]
}

/** Opens HTML in the browser of `chromiumOnce`, as a file. */
export function browserOnce(): (html: string) => Promise<Visit> {
  const visit = chromiumOnce()
  return async (html) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'cosell-page-'))
    try {
      const file = path.join(folder, 'page.html')
      await writeFile(file, html)
      return await visit(pathToFileURL(file).href)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/**
 * Starts a headless Chromium with its own profile for the tests of a file, which opens addresses. The
 * tests are skipped when Chromium is not installed, unless TEST_CHROMIUM names one.
 */
export function chromiumOnce(): (url: string) => Promise<Visit> {
  let context: BrowserContext | undefined
  let folder = ''
  beforeEach((test) => {
    if (context === undefined) {
      test.skip(`no Chromium at ${executablePath}; set TEST_CHROMIUM to use another one`)
    }
  })
  beforeAll(async () => {
    if (configured === undefined && !existsSync(executablePath)) return
    folder = await mkdtemp(path.join(tmpdir(), 'cosell-pages-'))
    const profile = path.join(folder, 'profile')
    context = await chromium.launchPersistentContext(profile, { executablePath, args: flags })
  })
  afterAll(async () => {
    await context?.close()
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  })
  return async (url) => {
    if (context === undefined) throw new Error('Chromium was not started')
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
    await page.goto(url)
    return { page, complaints, requests }
  }
}
