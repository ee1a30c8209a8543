import { loadConfig } from '../../../config.ts'
import { openBrowser } from '../../../open/http/open-browser.ts'
import { readPageFiles } from '../../../open/http/page-files.ts'
import { servePage } from '../../../open/http/serve.ts'
import { readAhead, routesOf } from '../../../open/routes.ts'
import { queryOfView } from '../../../open/view-address.ts'
import { abortController, type JsonFlag, log, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'
import { withReader } from '../../with-warehouse.ts'

export type OpenFlags = JsonFlag & { readonly browser: boolean; readonly port: number }

/** Serves the page over the warehouse until it is interrupted. */
export async function openPage(view: string | undefined, { json, browser, port }: OpenFlags) {
  const query = queryOfView(view)
  const files = await readPageFiles()
  await withReader(loadConfig(), async (reader, warehouse) => {
    const routes = routesOf(reader, warehouse.query)
    const server = await servePage({ files, routes, port, logger: log.logger })
    const { signal } = abortController
    const ahead = readAhead(routes, query, signal)
    try {
      const isOpened = browser && (await openBrowser(server.addressForOnce(query)))
      const url = `${server.url}${query}`
      printResult(json, { status: 'running', url, browser_opened: isOpened }, () =>
        [
          isOpened
            ? 'The page is open in the browser. Its address:'
            : 'Open this address in a browser:',
          `  ${url}`,
          'Only this machine can reach it, and only with this address. Ctrl-C ends it.',
        ].join('\n'),
      )
      await untilAborted(signal)
    } finally {
      // Statements are cancelled through the connections that are closed next.
      await Promise.all([server.close(), ahead])
    }
  })
}
