import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { checkCertificates, checkRoutes } from '../../src/doctor/network-checks.ts'
import { createAuthority } from '../extract/http/certificate.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'network-'))
})
afterAll(() => rm(folder, { recursive: true }))

const configOf = (variables: Record<string, string>) => loadConfig({}, variables, folder)

describe('the network check', () => {
  const routes = (variables: Record<string, string>) => {
    const config = configOf(variables)
    const [account] = config.accounts
    if (account === undefined) throw new Error('no account')
    return checkRoutes(config, account)
  }

  test('the network check names the proxy in force, and not its password', () => {
    const proxy = 'http://user:canary@proxy.example.com:8080'
    const { status, detail } = routes({ HTTPS_PROXY: proxy })
    expect(status).toBe('ok')
    expect(detail).toBe(
      'API and sign-in through the proxy proxy.example.com:8080 (HTTPS_PROXY, with a password)',
    )
  })

  test('the network check tells the way of each address', () =>
    expect(
      routes({
        all_proxy: 'proxy.example.com:8080',
        NO_PROXY: '.microsoftonline.com',
      }).detail,
    ).toBe('API through the proxy proxy.example.com:8080 (all_proxy), sign-in directly (NO_PROXY)'))

  test.each([
    [{}, 'API and sign-in directly (no proxy is set)'],
    [{ HTTP_PROXY: 'http://a' }, 'API and sign-in directly (no proxy is set)'],
    [{ HTTPS_PROXY: '', https_proxy: ' ' }, 'API and sign-in directly (no proxy is set)'],
  ])('the network check of %j: %s', (variables, detail) =>
    expect(routes(variables).detail).toBe(detail),
  )

  test('the network check fails for a proxy that cannot be used', () => {
    const result = routes({ HTTPS_PROXY: 'socks5://user:canary@proxy.example.com' })
    expect(result).toMatchObject({ status: 'fail', kind: 'configuration' })
    expect(result.detail).toContain('SOCKS')
    expect(JSON.stringify(result)).not.toContain('canary')
  })
})

/** What is trusted with --use-system-ca; Node.js 20 does not know it. */
const withSystem = process.allowedNodeEnvironmentFlags.has('--use-system-ca')
  ? 'those of Node.js and those of this machine'
  : 'those of Node.js'

describe('the certificates check', () => {
  const withFile = async (text: string) => {
    const file = join(folder, 'ca.pem')
    await writeFile(file, text)
    return checkCertificates(configOf({ NODE_EXTRA_CA_CERTS: file }))
  }
  const pem = createAuthority('Root').certificate

  test('the certificates check counts those of the file', async () =>
    expect(await withFile(`# ours\n${pem}\n${pem}`)).toMatchObject({
      status: 'ok',
      detail: expect.stringMatching(
        /^those of Node.js and 2 of NODE_EXTRA_CA_CERTS \(.*ca\.pem\)$/,
      ),
    }))

  test.each([
    ['', 'has no certificate in PEM'],
    [pem.replaceAll('CERTIFICATE', 'OTHER'), 'has no certificate in PEM'],
    [pem.replace('MI', 'XX'), 'cannot be read'],
  ])('the certificates check warns of a file with %j', async (text, why) =>
    expect(await withFile(text)).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining(why),
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    }),
  )

  test('the certificates check warns of a file that is missing', async () =>
    expect(
      await checkCertificates(configOf({ NODE_EXTRA_CA_CERTS: join(folder, 'none.pem') })),
    ).toMatchObject({ status: 'warn', detail: expect.stringContaining('ENOENT') }))

  test.each([
    [{ NODE_OPTIONS: '--no-warnings --use-system-ca' }, withSystem],
    [{ NODE_USE_SYSTEM_CA: '1' }, withSystem],
    [{ NODE_USE_SYSTEM_CA: '0' }, 'those of Node.js'],
    [{}, 'those of Node.js'],
  ])('the certificates check of %j: %s', async (variables, detail) =>
    expect((await checkCertificates(configOf(variables))).detail).toBe(detail),
  )
})

test('a variable that Node.js reads at its start is refused in .env', async () => {
  await writeFile(join(folder, '.env'), 'NODE_EXTRA_CA_CERTS=/etc/ca.pem\nHTTPS_PROXY=http://a:1\n')
  try {
    const config = () => loadConfig({}, {}, folder)
    expect(config).toThrow(/NODE_EXTRA_CA_CERTS: Node.js reads it when it starts/)
    expect(config).toThrow(expect.objectContaining({ exitCode: 78 }) as unknown as Error)
    const set = { NODE_EXTRA_CA_CERTS: '/etc/ca.pem' }
    expect(loadConfig({}, set, folder).network).toEqual({ ...set, HTTPS_PROXY: 'http://a:1' })
  } finally {
    await rm(join(folder, '.env'))
  }
})
