import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { withPipeline } from '../support/with-pipeline.ts'

/** A gateway in front of `target` that shows pages of its own for the next `pages` requests. */
async function withGateway<T>(
  target: string,
  use: (gateway: { url: string; pages: number }) => Promise<T>,
): Promise<T> {
  const gateway = { url: '', pages: 0 }
  const server = createServer((request, response) => {
    if (gateway.pages > 0) {
      gateway.pages -= 1
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Back soon</html>')
      return
    }
    const { method, headers, url } = request
    const upstream = forward(new URL(url ?? '', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  gateway.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await use(gateway)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

describe('a gateway that shows a page of its own', () => {
  test('a nightly run waits for a gateway whose address answered an earlier night', () =>
    withPipeline({ referrals: 20 }, ({ sandbox, db, run }) =>
      withGateway(sandbox.url, async (gateway) => {
        const settings = { COSELL_API_URL: gateway.url, COSELL_AUTHORITY_URL: gateway.url }
        gateway.pages = 99
        await expect(run(false, settings)).rejects.toMatchObject({
          exitCode: 69,
          code: 'api.unusable_answer',
        })
        expect(gateway.pages).toBe(97)
        gateway.pages = 0
        expect(await run(false, settings)).toMatchObject({ status: 'published', seen: 20 })
        const addresses = await db
          .selectFrom('etl.api_capability')
          .select(['capability', 'observed_value'])
          .where('capability', 'like', '%address')
          .orderBy('capability')
          .execute()
        expect(addresses).toEqual([
          { capability: 'api_address', observed_value: gateway.url },
          { capability: 'sign_in_address', observed_value: gateway.url },
        ])
        gateway.pages = 2
        expect(await run(false, settings)).toMatchObject({ status: 'published' })
        expect(gateway.pages).toBe(0)
      }),
    ))
})
