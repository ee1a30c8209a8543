import { type SandboxOptions, startSandbox } from '../../../sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../../sandbox/settings.ts'
import { invocation } from '../../invocation.ts'
import { abortController, type JsonFlag, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'

export type SandboxFlags = JsonFlag &
  Partial<SandboxOptions> & { readonly documentedNextLink?: true }

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
