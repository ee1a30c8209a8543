import { describe, expect, test } from 'vitest'
import { invocationOf, type Launch, runnable } from '../../src/cli/invocation.ts'

const none = { caller: undefined, onPath: undefined }
const starts: { start: string; launch: Launch; line: string }[] = [
  {
    start: 'a global install on PATH',
    launch: {
      ...none,
      entry: '/usr/bin/cosell',
      directory: '/home/ada',
      onPath: '/usr/bin/cosell',
    },
    line: 'cosell status',
  },
  {
    start: 'a global install whose folder is not on PATH',
    launch: { ...none, entry: '/opt/npm/bin/cosell', directory: '/srv' },
    line: '/opt/npm/bin/cosell status',
  },
  {
    start: 'one of two global installs, the other of which is on PATH',
    launch: { ...none, entry: '/opt/npm/bin/cosell', directory: '/', onPath: '/usr/bin/cosell' },
    line: 'opt/npm/bin/cosell status',
  },
  {
    start: 'a file of the working directory',
    launch: { ...none, entry: '/opt/npm/bin/cosell', directory: '/opt/npm/bin' },
    line: './cosell status',
  },
  {
    start: 'npm in a clone',
    launch: {
      ...none,
      entry: '/srv/clone/src/cli.ts',
      directory: '/srv/clone',
      caller: '/srv/clone',
    },
    line: 'npm run cosell -- status',
  },
  {
    start: 'npm in a folder of a clone',
    launch: {
      ...none,
      entry: '/srv/clone/src/cli.ts',
      directory: '/srv/clone',
      caller: '/srv/clone/docs',
    },
    line: 'npm --prefix /srv/clone run cosell -- status',
  },
  {
    start: 'npm --prefix',
    launch: { ...none, entry: '/srv/a b/src/cli.ts', directory: '/srv/a b', caller: '/home/ada' },
    line: "npm --prefix '/srv/a b' run cosell -- status",
  },
  {
    start: 'npx in a project that has the package',
    launch: {
      ...none,
      entry: '/srv/app/node_modules/.bin/cosell',
      directory: '/srv/app',
      caller: '/srv/app',
    },
    line: 'node_modules/.bin/cosell status',
  },
  {
    start: 'a script of a project that has the package, called in a folder of it',
    launch: {
      ...none,
      entry: '/srv/app/node_modules/.bin/cosell',
      directory: '/srv/app',
      caller: '/srv/app/sql',
    },
    line: 'cd /srv/app && node_modules/.bin/cosell status',
  },
  {
    start: 'node in the folder of a build',
    launch: { ...none, entry: '/srv/clone/dist/cli.js', directory: '/srv/clone' },
    line: 'node dist/cli.js status',
  },
  {
    start: 'node with a path that has a space and a quote',
    launch: { ...none, entry: "/srv/a b's/dist/cli.js", directory: '/home/ada/deep' },
    line: "node '/srv/a b'\\''s/dist/cli.js' status",
  },
]

describe('the printed command line', () => {
  test.each(starts)('the program started by $start prints $line', ({ launch, line }) => {
    expect(invocationOf(launch, 'status')).toBe(line)
  })

  test('a message gets its commands as they can be run, also where a line was broken', () => {
    const text = 'Run `cosell migrate`, or `cosell account\n  rename a b`; cosell waits for `psql`.'
    const { argv } = process
    process.argv = [argv[0] ?? '', '/srv/clone/dist/cli.js']
    try {
      expect(runnable(text)).toMatch(
        /^Run `(.*node .*cli\.js) migrate`, or `\1 account rename a b`; cosell waits for `psql`\.$/,
      )
    } finally {
      process.argv = argv
    }
  })
})
