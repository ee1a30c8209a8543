import { existsSync } from 'node:fs'
import path from 'node:path'
import { processVariables } from '../config.ts'

/** How this process was started, as far as it decides what a person has to type next. */
export interface Launch {
  /** Path of the program as it was started, such as `/usr/local/bin/cosell` (`process.argv[1]`). */
  readonly entry: string
  /** Working directory of the process. */
  readonly directory: string
  /** Folder in which npm was called; undefined without npm. */
  readonly caller: string | undefined
  /** File that the word `cosell` starts in the person's shell; undefined when there is none. */
  readonly onPath: string | undefined
}

/**
 * Returns the command line that starts the program again with other arguments, on the same warehouse.
 * It works where the person is, and names a file that exists: npm never asks a registry for it, as it
 * would for `npx cosell`.
 *
 * - from the sources of a clone: `npm run cosell -- run`, with `--prefix` when called elsewhere
 * - installed on PATH: `cosell run`
 * - installed in a project: `node_modules/.bin/cosell run`
 * - anything else: `node dist/cli.js run`
 */
export function invocationOf(launch: Launch, args: string): string {
  const { entry, directory, caller = directory } = launch
  if (path.extname(entry) === '.ts') {
    const clone = path.resolve(entry, '..', '..')
    const elsewhere = caller === clone ? '' : `--prefix ${quote(clone)} `
    return `npm ${elsewhere}run cosell -- ${args}`
  }
  // npm starts scripts in the folder of package.json.
  const change = caller === directory ? '' : `cd ${quote(directory)} && `
  return `${change}${programOf(launch)} ${args}`
}

/** `invocationOf` for this process. */
export function invocation(args: string): string {
  const variables = processVariables()
  const launch: Launch = {
    entry: process.argv[1] ?? '',
    directory: process.cwd(),
    caller: variables.INIT_CWD,
    onPath: foldersOfPerson(variables)
      .map((folder) => path.resolve(folder, 'cosell'))
      .find((file) => existsSync(file)),
  }
  return invocationOf(launch, args)
}

/** Returns the text with each command between backquotes, such as `cosell run`, as it is run here. */
export function runnable(text: string): string {
  return text.replace(/`cosell\s+([^`]+)`/g, (command, args: string) => {
    // A line may have been broken within the command.
    const line = invocation(args.replace(/\s+/g, ' '))
    return line.startsWith('cosell ') ? command : `\`${line}\``
  })
}

function programOf({ entry, directory, onPath }: Launch): string {
  if (entry === onPath) return 'cosell'
  const below = path.relative(directory, entry)
  const file = below.length <= entry.length ? below : entry
  if (path.extname(entry) !== '') return `node ${quote(file)}`
  return quote(file.includes(path.sep) ? file : `.${path.sep}${file}`)
}

/** Folders of PATH without those that npm puts there for what it starts. */
function foldersOfPerson({ PATH = '', npm_command: npmCommand }: Variables): string[] {
  const folders = PATH.split(path.delimiter).filter((folder) => folder !== '')
  if (npmCommand === undefined) return folders
  return folders.filter((folder) => !folder.endsWith(path.join('node_modules', '.bin')))
}

type Variables = ReturnType<typeof processVariables>

/** Quotes a path for a POSIX shell where it needs that. */
function quote(text: string): string {
  return /^[\w./:@%+,=\\-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
