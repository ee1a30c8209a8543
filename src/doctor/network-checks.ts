import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AccountConfig, Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import { type Route, routeTo } from '../extract/http/proxy.ts'
import { type CheckResult, failedWith } from './check-result.ts'

/** Reports the way to the API and to the sign-in service of an account; nothing is sent. */
export function checkRoutes({ network }: Config, account: AccountConfig): CheckResult {
  const check = 'network'
  try {
    const [api, signIn] = [account.apiUrl, account.authorityUrl].map((address) =>
      describeRoute(routeTo(new URL(address), network)),
    )
    const detail = api === signIn ? `API and sign-in ${api}` : `API ${api}, sign-in ${signIn}`
    return { check, status: 'ok', detail }
  } catch (error) {
    if (error instanceof CosellError) return failedWith(check, error)
    throw error
  }
}

function describeRoute(route: Route): string {
  if (route.proxy !== null)
    return `through the proxy ${route.proxy.name} (${route.proxy.variable}${route.proxy.authorization === null ? '' : ', with a password'})`
  const reasons = { loopback: 'this machine', exempt: 'NO_PROXY', 'no proxy': 'no proxy is set' }
  return `directly (${reasons[route.reason]})`
}

/** Reports the certificates that Node.js trusts besides its own. It ignores a file that it cannot read. */
export async function checkCertificates({ network }: Config): Promise<CheckResult> {
  const check = 'certificates'
  const file = network.NODE_EXTRA_CA_CERTS ?? ''
  const trusted = ['those of Node.js', ...(usesSystem(network) ? ['those of this machine'] : [])]
  if (file === '') return { check, status: 'ok', detail: trusted.join(' and ') }
  const found = await readCertificates(file)
  const ignored = (why: string): CheckResult => ({
    check,
    status: 'warn',
    detail: `${trusted.join(' and ')}; the file of NODE_EXTRA_CA_CERTS (${file}) ${why}`,
    remedy:
      'Let NODE_EXTRA_CA_CERTS name a readable file of root certificates in PEM, or unset it; Node.js ' +
      'reads it when it starts, and goes on without it.',
  })
  if (typeof found === 'string') return ignored(`cannot be read (${found})`)
  if (found.length === 0) return ignored('has no certificate in PEM')
  const isPast = ({ validTo }: X509Certificate) => Date.parse(validTo) < Date.now()
  if (found.some(isPast)) return ignored('has a certificate that has expired')
  const count = `${found.length} of NODE_EXTRA_CA_CERTS (${file})`
  return { check, status: 'ok', detail: [...trusted, count].join(' and ') }
}

/** Certificates of a file in PEM, or the code of the error instead. */
async function readCertificates(file: string): Promise<X509Certificate[] | string> {
  try {
    const text = await readFile(file, 'utf8')
    const blocks = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END/g) ?? []
    return blocks.map((block) => new X509Certificate(`${block} CERTIFICATE-----\n`))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error'
  }
}

function usesSystem({ NODE_OPTIONS = '', NODE_USE_SYSTEM_CA }: Config['network']): boolean {
  const isFlag = (option: string) => option === '--use-system-ca'
  // Node.js 20 knows neither, and starts with the variable as if it were not set.
  if (!process.allowedNodeEnvironmentFlags.has('--use-system-ca')) return false
  return (
    NODE_USE_SYSTEM_CA === '1' ||
    NODE_OPTIONS.split(/\s+/).some(isFlag) ||
    process.execArgv.some(isFlag)
  )
}
