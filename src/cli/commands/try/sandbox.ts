import { resolve } from 'node:path'
import { type SandboxOptions, startSandbox } from '../../../sandbox/api/sandbox-server.ts'
import type { AcvConvention } from '../../../sandbox/csv/cell/annual-value.ts'
import { writeDownloads } from '../../../sandbox/csv/file/write-downloads.ts'
import { sandboxSettings } from '../../../sandbox/settings.ts'
import { invocation } from '../../invocation.ts'
import { abortController, type JsonFlag, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'
import { csvText } from '../../text/sandbox-csv.ts'

interface Population {
  readonly referrals: number
  readonly seed: number
  readonly change: number
  readonly broken: number
}

export type SandboxFlags = JsonFlag &
  Population &
  Partial<SandboxOptions> & {
    readonly documentedNextLink?: true
    readonly writeCsv?: string
    readonly acvConvention?: AcvConvention
  }

/** Serves the simulated API until it is interrupted. */
export async function serveSandbox({ json, documentedNextLink, ...options }: SandboxFlags) {
  const nextLink = documentedNextLink ? 'http-without-engagements' : 'same-origin'
  const sandbox = await startSandbox({ ...options, nextLink })
  const settings = Object.entries(sandboxSettings(sandbox.url))
  printResult(json, { status: 'running', url: sandbox.url }, () =>
    [
      `The simulated Referrals API answers at ${sandbox.url}. To load it, in another terminal:`,
      ...settings.map(([name, value]) => `  export ${name}=${value}`),
      `  ${invocation('run')}`,
      `curl -X POST '${sandbox.url}/sandbox/change?count=25' changes 25 referrals.`,
      'Ctrl-C ends it.',
    ].join('\n'),
  )
  await untilAborted(abortController.signal)
  await sandbox.close()
}

/** Writes what the simulated API holds as the files that a person downloads. */
export async function writeCsvFiles(flags: SandboxFlags, writeCsv: string) {
  const { json, referrals, seed, change, broken, acvConvention } = flags
  const convention = acvConvention === undefined ? {} : { convention: acvConvention }
  const folder = resolve(writeCsv)
  const population = { referrals, seed, change, broken, ...convention }
  const written = await writeDownloads(folder, population, abortController.signal)
  const files = written.map(({ path, layout, rows }) => ({ path, layout: layout.name, rows }))
  printResult(json, { status: 'written', folder, files }, () => csvText(folder, written))
}
