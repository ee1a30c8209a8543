import { spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { chromium, type Page } from 'playwright-core'
import { parse, stringify } from 'yaml'
import { zipOf } from '../../src/dictionary/superset/zip.ts'
import { type Kysely, openDatabase } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { freePort } from '../support/free-port.ts'
import type { Campaign } from './campaign-type.ts'

const admin = { username: 'admin', password: 'of-this-campaign-alone' }
const corrected = { dataset: 'referral', metric: 'Win rate', mistake: 'max(0.5)' }
const settings = (folder: string) => `
SECRET_KEY = 'of one campaign that ends with its folder'
SQLALCHEMY_DATABASE_URI = 'sqlite:///${folder}/superset.db'
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
`

/**
 * Superset imports the bundle, and a newer one with a corrected metric; the dashboard, opened by
 * an administrator of Superset over the login for BI tools, shows the figures that SQL returns for that
 * login. TEST_SCREENSHOTS names a folder for a picture.
 */
export const campaign: Campaign = {
  name: 'superset',
  packages: [
    [
      'apache-superset==6.1.0',
      'rich==15.0.0',
      'cachetools==8.0.2',
      'flask-caching==2.3.1',
      'psycopg2-binary==2.9.13',
    ],
  ],
  async run({ folder, program, execute, cosell, warehouse }) {
    const docs = path.join(folder, 'docs')
    await cosell('docs', '--out', docs)
    const bundle = path.join(docs, 'superset')
    const config = path.join(folder, 'superset_config.py')
    await writeFile(config, settings(folder))
    const env = { SUPERSET_CONFIG_PATH: config, FLASK_APP: 'superset' }
    const superset = (...args: readonly string[]) => execute(program('superset'), args, { env })
    await superset('db', 'upgrade')
    const person = ['--firstname', 'Ada', '--lastname', 'Example', '--email', 'admin@example.com']
    const login = ['--username', admin.username, '--password', admin.password]
    await superset('fab', 'create-admin', ...login, ...person)
    await superset('init')

    const port = await freePort()
    const server = spawn(program('superset'), ['run', '-h', '127.0.0.1', '-p', `${port}`], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    try {
      const address = `http://127.0.0.1:${port}`
      await untilUp(address)
      const api = await signIn(address)
      const older = await filesBelow(bundle)
      older['superset/datasets/cosell/referral.yaml'] = withMistake(
        older['superset/datasets/cosell/referral.yaml'] ?? '',
      )
      const { password } = new URL(warehouse.readerUrl)
      await api.import(zipOf(older), decodeURIComponent(password))
      const expression = await api.expression()
      expectEqual('the metric of the older bundle', expression, corrected.mistake)
      await api.import(await readFile(path.join(docs, 'superset.zip')), null)
      const kept = await api.expression()
      expectEqual('the metric after a plain import of the newer bundle', kept, corrected.mistake)
      await superset('import-directory', '--overwrite', bundle)
      const dataset = parse(
        await readFile(path.join(bundle, 'datasets/cosell/referral.yaml'), 'utf8'),
      )
      const metric = dataset.metrics.find(
        (one: { metric_name: string }) => one.metric_name === corrected.metric,
      )
      expectEqual('the metric after import-directory', await api.expression(), metric.expression)
      const figures = await lookAt(address, warehouse.readerUrl)
      return `${figures} figures of the dashboard are those of SQL; import-directory corrects metrics`
    } finally {
      server.kill()
    }
  },
}

/** The bundle as an earlier version might have had it. */
function withMistake(text: string): string {
  const dataset = parse(text)
  for (const metric of dataset.metrics) {
    if (metric.metric_name === corrected.metric) metric.expression = corrected.mistake
  }
  return stringify(dataset)
}

async function filesBelow(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.yaml$/.test(name))
  const entries = names.map(
    async (name) => [`superset/${name}`, await readFile(path.join(folder, name), 'utf8')] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

async function untilUp(address: string): Promise<void> {
  for (let seconds = 0; seconds < 180; seconds++) {
    const isUp = await fetch(`${address}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return
    await sleep(1_000)
  }
  throw new Error('Superset did not start within three minutes')
}

async function signIn(address: string) {
  const ask = async (where: string, init: RequestInit) => {
    const response = await fetch(`${address}/api/v1/${where}`, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`${where} answered ${response.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text)
  }
  const { access_token } = await ask('security/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...admin, provider: 'db', refresh: false }),
  })
  const headers = { authorization: `Bearer ${access_token}` }
  return {
    /** Imports as the page of dashboards does, which asks for the password of a new database. */
    async import(archive: Buffer, password: string | null): Promise<void> {
      const body = new FormData()
      body.set('formData', new Blob([new Uint8Array(archive)]), 'superset.zip')
      if (password !== null) {
        body.set('passwords', JSON.stringify({ 'databases/cosell.yaml': password }))
      }
      body.set('overwrite', 'true')
      await ask('dashboard/import/', { method: 'POST', headers, body })
    },
    /** SQL of the metric that the newer bundle corrects. */
    async expression(): Promise<string> {
      const { result } = await ask('dataset/?q=(page_size:100)', { headers })
      const found = result.find(
        ({ table_name }: { table_name: string }) => table_name === corrected.dataset,
      )
      const dataset = await ask(`dataset/${found.id}`, { headers })
      return dataset.result.metrics.find(
        ({ metric_name }: { metric_name: string }) => metric_name === corrected.metric,
      ).expression
    },
  }
}

function expectEqual(what: string, got: string, expected: string): void {
  if (got !== expected) throw new Error(`${what}: expected ${expected}, got ${got}`)
}

/** Texts that the charts must show, by title, as SQL over the marts has them. */
async function figuresOf(query: Kysely<Database>): Promise<Map<string, string[]>> {
  const amount = (of: string) => `to_char(${of}, 'FM999,999,999,990.00')`
  const count = (of: string) => `to_char(${of}, 'FM999,999,990')`
  const statements = {
    'Open pipeline': `select ${amount('sum(deal_value_once_reporting_amount)')} as text
      from mart.referral where is_open`,
    'Won value': `select ${amount('sum(deal_value_once_reporting_amount)')} as text
      from mart.referral where is_won`,
    'Win rate': `select to_char(100.0 * count(*) filter (where is_won)
        / count(*) filter (where is_decided), 'FM990.0') || '%' as text
      from mart.deal`,
    'Contract ACV': `select ${amount('sum(contract_acv_reporting_amount)')} as text
      from mart.registration`,
    'Open pipeline by stage': `select concat_ws(' ', stage_label, ${count('count(*)')},
        ${amount('sum(deal_value_reporting_amount)')}) as text
      from mart.deal where is_open group by stage_label order by 1`,
    'Open findings by rule': `select concat_ws(' ', rule_code, ${count('count(*)')}) as text
      from mart.data_quality group by rule_code order by 1`,
  }
  const texts = new Map<string, string[]>()
  for (const [title, statement] of Object.entries(statements)) {
    const { rows } = await sql.raw<{ text: string }>(statement).execute(query)
    texts.set(
      title,
      rows.map(({ text }) => text),
    )
  }
  return texts
}

/** Opens the dashboard, and compares its figures with those of SQL; returns how many there are. */
async function lookAt(address: string, readerUrl: string): Promise<number> {
  const reader = await openDatabase(readerUrl)
  const expected = await figuresOf(reader.query).finally(() => reader.close())
  const executablePath = process.env.TEST_CHROMIUM ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1500 } })
    page.setDefaultTimeout(180_000)
    await page.goto(`${address}/login/`)
    await page.fill('input[name=username], #username', admin.username)
    await page.fill('input[type=password]', admin.password)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => !url.pathname.startsWith('/login'))
    await page.goto(`${address}/superset/dashboard/cosell/?standalone=2`)
    for (const [title, texts] of expected) {
      for (const text of texts) await chart(page, title).getByText(lastWord(text)).first().waitFor()
    }
    await page.locator('[data-test=chart-container] canvas').first().waitFor()
    const folder = process.env.TEST_SCREENSHOTS
    if (folder !== undefined) {
      await sleep(5_000)
      await page.screenshot({ path: path.join(folder, 'superset.png') })
    }
    for (const [title, texts] of expected) {
      const rows = chart(page, title).locator('tbody tr')
      const shown =
        (await rows.count()) > 0
          ? (await rows.allInnerTexts()).map((row) => row.trim().split(/\s+/).join(' ')).sort()
          : [(await chart(page, title).innerText()).trim().split(/\s+/).at(-1)]
      expectEqual(title, shown.join('; '), texts.toSorted().join('; '))
    }
    const failed = await page.getByText(/Unexpected error|Data error|Error: /).count()
    if (failed > 0) throw new Error(`${failed} charts of the dashboard show an error`)
  } finally {
    await browser.close()
  }
  return [...expected.values()].flat().length
}

function chart(page: Page, title: string) {
  const header = page.locator('[data-test=slice-header]', {
    has: page.getByText(title, { exact: true }),
  })
  return page.locator('[data-test=chart-grid-component]', { has: header })
}

function lastWord(text: string): string {
  return text.split(' ').at(-1) ?? ''
}
