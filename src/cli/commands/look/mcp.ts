import { loadConfig } from '../../../config.ts'
import { serve } from '../../../mcp/serve.ts'
import { ask } from '../../../warehouse/reader/ask.ts'
import { readLoginRights } from '../../../warehouse/reader/login-rights.ts'
import { abortController, log } from '../../output.ts'
import { withReader } from '../../with-warehouse.ts'

/** Serves the marts to a program that asks in the Model Context Protocol, until it leaves. */
export async function serveMcp() {
  await withReader(loadConfig(), async (reader, { query }) => {
    // Without a login that only reads nothing is served.
    await ask(reader, 'select 1', { rowsMax: 1, bytesMax: 1_000, timeoutMs: 10_000 })
    const { mayReadLanded } = await readLoginRights(query)
    const source = { reader, program: mayReadLanded ? query : undefined, logger: log.logger }
    const streams = { input: process.stdin, output: process.stdout }
    await serve(source, streams, abortController.signal)
  })
}
