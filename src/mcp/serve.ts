import type { Readable, Writable } from 'node:stream'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { createServer, type McpSource } from './create-server.ts'

export interface Streams {
  readonly input: Readable
  readonly output: Writable
}

/** Serves the tools to one client over two streams, until the client or `signal` ends it. */
export async function serve(
  source: McpSource,
  { input, output }: Streams,
  signal: AbortSignal,
): Promise<void> {
  const handle = serveStdio(() => createServer(source), {
    transport: new StdioServerTransport(input, output),
    onerror: (error) => source.logger.warn({ code: 'mcp.message' }, error.message),
  })
  await new Promise<void>((resolve) => {
    if (signal.aborted || input.readableEnded || input.destroyed) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    input.once('end', resolve)
    input.once('close', resolve)
  })
  await handle.close()
}
