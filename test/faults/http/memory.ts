import { firstPage, withApi } from '../../extract/support.ts'

// Separate process, `memory.ts <address>`. Reads a page from the address, then one from its /bad.
// Prints the rise to the peak of resident memory, and how the second read ended.

const [, , url = ''] = process.argv
const longTimeouts = { connectMs: 5_000, headersMs: 30_000, bodyIdleMs: 30_000, totalMs: 60_000 }

const read = (address: string) =>
  withApi(address, { timeouts: longTimeouts }, async (api) => {
    const error = await api.getPage(firstPage).then(
      () => null,
      (failure: { code?: string }) => failure,
    )
    return { code: error === null ? null : (error.code ?? String(error)), ...api.counts }
  })

await read(url)
const before = process.memoryUsage.rss()
const { code, requests } = await read(`${url}/bad`)
const peak = process.resourceUsage().maxRSS * 1024
process.stdout.write(JSON.stringify({ rise: peak - before, code, requests }))
