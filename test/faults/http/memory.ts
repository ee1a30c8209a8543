import { firstPage, withApi } from '../../extract/support.ts'

// Run in a process of its own, as `memory.ts <address>`: reads a page from there, then one from its
// /bad, and prints by how much the resident memory rose at its peak, and how the second read ended.

const [, , url = ''] = process.argv
const patient = { connectMs: 5_000, headersMs: 30_000, bodyIdleMs: 30_000, totalMs: 60_000 }

const read = (address: string) =>
  withApi(address, { timeouts: patient }, async (api) => {
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
