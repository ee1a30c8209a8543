import { copyFile, mkdir, readFile, realpath, rename } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import type { Campaign, DemoWarehouse, Stage } from './campaign-type.ts'
import { LeftOut } from './venv.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const containerfile = path.join(root, 'examples/container/Containerfile')
const image = 'localhost/cosell'
/** Release of Debian below Node's own images. */
const suite = 'bookworm'
/** A registry that another authority vouches for, as on some company networks. */
const authorities = { host: process.env.NODE_EXTRA_CA_CERTS ?? '', inside: '/etc/extra-ca.pem' }

/** What an image says of how it is run. */
interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
}

/**
 * The Containerfile is built by buildah, and its image loads two nights of the simulated API as the user,
 * with the entry point and the command that the file names. No registry of images is asked: packages of
 * Debian and of Node.js make the base, under the name that the file has for it.
 */
export const campaign: Campaign = {
  name: 'container',
  packages: [],
  async run({ folder, execute, warehouse }) {
    const buildah = await openBuildah(folder, execute)
    const base = await readBase()
    await makeBase(base, path.join(folder, 'base'), execute, buildah)
    await buildah('bud', '--pull-never', '--file', containerfile, '--tag', image, root)
    const container = (await buildah('from', '--pull-never', image)).trim()
    const within = (settings: Readonly<Record<string, string>>, command: readonly string[]) => {
      const env = Object.entries(settings).map(([name, value]) => `--env=${name}=${value}`)
      return buildah('run', ...env, container, '--', ...command)
    }
    const { User, Entrypoint, Cmd } = await readConfig(buildah, container)
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'))
    expectSame('version', (await within({}, [...Entrypoint, '--version'])).trim(), version)
    const sandbox = await startSandbox({ referrals: 40, rotateRefreshToken: true })
    try {
      const { COSELL_REFRESH_TOKEN = '', ...settings } = sandboxSettings(sandbox.url)
      const env = { ...settings, COSELL_DATABASE_URL: await makeDatabase(warehouse) }
      const night = async (more: Readonly<Record<string, string>>) =>
        JSON.parse(await within({ ...env, ...more }, [...Entrypoint, ...Cmd]))
      expectSame('first night', (await night({ COSELL_REFRESH_TOKEN })).changed, 40)
      // It signs in with what the first night left in the volume.
      expectSame('rows of the second night', (await night({})).rows_written, 0)
      // pg-boss is an optional package, which an image without those would lack.
      const prepare = [...Entrypoint, 'enqueue', '--prepare', '--json']
      expectSame('the queue', JSON.parse(await within(env, prepare)).status, 'prepared')
      await within(env, [...Entrypoint, 'doctor'])
      const kept = await within({}, ['find', '.', '-type', 'f', '-printf', '%u %m\\n'])
      expectSame('files of the volume', kept, `${User} 600\n`)
    } finally {
      await sandbox.close()
    }
    return `built on ${base}; as ${User} it loads 40 referrals, writes 0 rows, and makes the queue`
  },
}

type Buildah = (...args: readonly string[]) => Promise<string>

/**
 * Opens a store of images in the folder.
 *
 * @throws LeftOut where buildah cannot be run, or nobody could make a base for it.
 */
async function openBuildah(folder: string, execute: Stage['execute']): Promise<Buildah> {
  if (process.getuid?.() !== 0) throw new LeftOut('only root can make the base')
  for (const program of ['buildah', 'debootstrap']) {
    await execute(program, ['--version']).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new LeftOut(`${program} is not installed`) : error
    })
  }
  const store = ['--root', path.join(folder, 'images'), '--runroot', path.join(folder, 'running')]
  // Without a network of its own, so that the simulated API is reached at the loopback address.
  const env = { BUILDAH_ISOLATION: 'chroot' }
  return (...args) => execute('buildah', [...store, ...args], { env })
}

/** Returns the image that the first step of the file is built on; every other step has the same. */
async function readBase(): Promise<string> {
  const text = await readFile(containerfile, 'utf8')
  const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, name = '']) => name)
  const [base = ''] = bases
  if (!/^node:\d+-slim$/.test(base) || new Set(bases).size !== 1) {
    throw new Error(`Containerfile: expected one base such as node:24-slim, got ${bases}`)
  }
  return base
}

/**
 * Makes Debian with Node.js, npm and the user `node`, as the base has them, an image of its name.
 *
 * @throws LeftOut where Debian's packages are not to be had.
 */
async function makeBase(
  base: string,
  folder: string,
  execute: Stage['execute'],
  buildah: Buildah,
): Promise<void> {
  await mkdir(folder)
  // What it mounts goes with its namespace, however it ends.
  const args = ['--mount', 'debootstrap', '--variant=minbase', suite, folder]
  await execute('unshare', args).catch((error: Error) => {
    const isAway = /^E: (?:Failed getting release file|Couldn't download)/m.test(error.message)
    throw isAway ? new LeftOut('no packages of Debian') : error
  })
  const [, major] = base.split(/[:-]/)
  const packages = [`node-linux-${process.arch}@${major}`, 'npm@11']
  const prefix = path.join(folder, 'usr/local')
  await execute('npm', ['install', '--global', '--ignore-scripts', '--prefix', prefix, ...packages])
  // npm installs below the folder of the program itself, wherever a link to it is.
  const node = path.join(prefix, 'bin/node')
  await rename(await realpath(node), node)
  await execute('chroot', [folder, 'useradd', '--create-home', '--uid', '1000', 'node'])
  if (authorities.host !== '') {
    await copyFile(authorities.host, path.join(folder, authorities.inside))
  }
  const container = (await buildah('from', 'scratch')).trim()
  await buildah('add', container, folder, '/')
  if (authorities.host !== '') {
    await buildah('config', '--env', `NODE_EXTRA_CA_CERTS=${authorities.inside}`, container)
  }
  await buildah('commit', '--rm', container, `docker.io/library/${base}`)
}

async function readConfig(buildah: Buildah, container: string): Promise<ImageConfig> {
  const { OCIv1 } = JSON.parse(await buildah('inspect', container))
  const { User, Entrypoint, Cmd } = OCIv1.config
  return { User, Entrypoint, Cmd }
}

/** Makes an empty database beside the demo's, and returns its address. */
async function makeDatabase({ ownerUrl, query }: DemoWarehouse): Promise<string> {
  await sql`create database in_a_container`.execute(query)
  const address = new URL(ownerUrl)
  address.pathname = '/in_a_container'
  return address.href
}

function expectSame(what: string, got: unknown, expected: unknown): void {
  if (got === expected) return
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`)
}
