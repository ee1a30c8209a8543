import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import type { Campaign, Stage } from './campaign-type.ts'

const program = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const reader = fileURLToPath(new URL('python/read_lineage.py', import.meta.url))

interface Answer {
  readonly types: readonly string[]
  readonly jobs: readonly string[]
  readonly differing: readonly unknown[]
}

/** OpenLineage's own client reads the events of a run, a rebuild and a run that fails as they were sent. */
export const campaign: Campaign = {
  name: 'openlineage',
  packages: [['openlineage-python==1.54.0']],
  async run(stage) {
    const events = await collectEvents(stage)
    const answer = await readBack(stage, events)
    const { types, jobs, differing } = answer
    const isRight =
      differing.length === 0 &&
      types.join(' ') === 'START COMPLETE START COMPLETE START FAIL' &&
      jobs.join(' ') === [...twice('run'), ...twice('rebuild'), ...twice('run')].join(' ')
    if (!isRight) throw new Error(JSON.stringify(answer))
    await expectRefusal(stage, events)
    return `${events.length} events come back as they were sent`
  },
}

const twice = (mode: string) => [`cosell.${mode}.default`, `cosell.${mode}.default`]

/** Events that a server gets while a warehouse is loaded, rebuilt, and not loaded. */
async function collectEvents({ folder, execute }: Stage): Promise<readonly object[]> {
  const events: object[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    events.push(JSON.parse(Buffer.concat(chunks).toString()))
    response.writeHead(201).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const home = path.join(folder, 'home')
  await mkdir(home)
  const good = await startSandbox({ referrals: 40 })
  const broken = await startSandbox({ referrals: 40, seed: 2, broken: 20 })
  const cosell = (args: readonly string[], api: string) => {
    const { port } = server.address() as AddressInfo
    const env = {
      ...sandboxSettings(api),
      COSELL_HOME: home,
      OPENLINEAGE_URL: `http://127.0.0.1:${port}`,
    }
    return execute(process.execPath, ['--import', 'tsx', program, ...args], { env })
  }
  try {
    await cosell(['run'], good.url)
    await cosell(['rebuild'], good.url)
    const failure = await cosell(['run', '--full'], broken.url).then(() => '', String)
    if (!failure.includes('ended with 65')) throw new Error(`expected 65, got: ${failure}`)
    return events
  } finally {
    await cosell(['warehouse', '--stop'], good.url)
    await Promise.all([good.close(), broken.close()])
    await new Promise((resolve) => server.close(resolve))
  }
}

async function readBack({ folder, program: of, execute }: Stage, events: readonly object[]) {
  const file = path.join(folder, 'events.json')
  await writeFile(file, JSON.stringify(events))
  return JSON.parse(await execute(of('python'), [reader, file])) as Answer
}

/** An event that is wrong is refused: the client does read it. */
async function expectRefusal(stage: Stage, [event]: readonly object[]) {
  for (const wrong of [{ eventTime: 'today' }, { eventType: 'BEGIN' }, { run: { runId: 'one' } }]) {
    const isAccepted = await readBack(stage, [{ ...event, ...wrong }]).then(
      () => true,
      () => false,
    )
    if (isAccepted) throw new Error(`${JSON.stringify(wrong)}: expected a refusal`)
  }
}
