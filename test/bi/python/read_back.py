"""Reads an export back with pyarrow, DuckDB and Polars, and prints what each finds as JSON.

Usage: read_back.py FOLDER. The answer, by reader and table: rows, and of each column its type in the
reader, the number of its values and one fact about all of them as text: the sum of numbers, how many
are true, first and last day or instant, the characters of texts.
"""

import datetime
import decimal
import json
import pathlib
import re
import sys

import duckdb
import polars
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())


def kind_of(sql_type):
    """What a column holds, by its type in PostgreSQL."""
    if sql_type.startswith("numeric"):
        return "decimal"
    kinds = {
        "bigint": "integer",
        "integer": "integer",
        "smallint": "integer",
        "double precision": "double",
        "boolean": "boolean",
        "date": "date",
        "timestamp with time zone": "instant",
    }
    return kinds.get(sql_type, "text")


def shown(value):
    """The text of a fact; instants with six digits, in UTC."""
    if value is None:
        return None
    if isinstance(value, datetime.datetime):
        in_utc = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return in_utc.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)


def span(first, last):
    return None if first is None else f"{shown(first)} {shown(last)}"


def by_pyarrow(file, columns):
    if manifest["format"] == "parquet":
        table = pyarrow.parquet.read_table(file)
    else:
        types = {name: arrow_type(sql_type) for name, sql_type in columns}
        options = pyarrow.csv.ConvertOptions(
            column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
        table = pyarrow.csv.read_csv(file, convert_options=options, parse_options=parse)
    compute = pyarrow.compute
    facts = {}
    for name, sql_type in columns:
        column = table[name]
        kind = kind_of(sql_type)
        if kind in ("decimal", "integer", "boolean"):
            fact = shown(compute.sum(column).as_py())
        elif kind in ("date", "instant", "double"):
            extremes = compute.min_max(column).as_py()
            fact = span(extremes["min"], extremes["max"])
        else:
            fact = shown(compute.sum(compute.utf8_length(column)).as_py())
        facts[name] = [str(column.type), table.num_rows - column.null_count, fact]
    return table.num_rows, facts


def arrow_type(sql_type):
    size = re.fullmatch(r"numeric\((\d+),(\d+)\)", sql_type)
    if size:
        return pyarrow.decimal128(int(size[1]), int(size[2]))
    return {
        "integer": pyarrow.int64(),
        "double": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "date": pyarrow.date32(),
        "instant": pyarrow.timestamp("us", tz="UTC"),
        "text": pyarrow.string(),
    }[kind_of(sql_type)]


database = duckdb.connect()
database.execute("set TimeZone = 'UTC'")


def by_duckdb(file, columns):
    if manifest["format"] == "parquet":
        source = f"read_parquet('{file}')"
    else:
        types = ", ".join(f"'{name}': '{duckdb_type(of)}'" for name, of in columns)
        source = (
            f"read_csv('{file}', header = true, auto_detect = false, delim = ',', quote = '\"', "
            f"escape = '\"', allow_quoted_nulls = false, columns = {{{types}}})"
        )
    rows = database.execute(f"select count(*) from {source}").fetchone()[0]
    facts = {}
    for name, sql_type in columns:
        kind = kind_of(sql_type)
        column = f'"{name}"'
        if kind in ("decimal", "integer"):
            fact = f"sum({column})"
        elif kind == "boolean":
            fact = f"sum({column}::integer)"
        elif kind in ("date", "instant", "double"):
            fact = f"min({column}), max({column})"
        else:
            fact = f"sum(length({column}))"
        query = f"select any_value(typeof({column})), count({column}), {fact} from {source}"
        of_type, count, *values = database.execute(query).fetchone()
        facts[name] = [of_type, count, span(*values) if len(values) == 2 else shown(values[0])]
    return rows, facts


def duckdb_type(sql_type):
    if sql_type.startswith("numeric("):
        return sql_type.replace("numeric", "decimal")
    return {
        "integer": "bigint",
        "double": "double",
        "boolean": "boolean",
        "date": "date",
        "instant": "timestamptz",
        "text": "varchar",
    }[kind_of(sql_type)]


def by_polars(file, columns):
    if manifest["format"] == "parquet":
        frame = polars.read_parquet(file)
    else:
        texts = polars.read_csv(file, infer_schema=False)
        frame = texts.with_columns(polars_cast(name, of) for name, of in columns)
    facts = {}
    for name, sql_type in columns:
        column = frame[name]
        kind = kind_of(sql_type)
        count = frame.height - column.null_count()
        if kind in ("decimal", "integer", "boolean"):
            # Polars adds no value up to 0.
            fact = shown(column.sum()) if count else None
        elif kind in ("date", "instant", "double"):
            fact = span(column.min(), column.max())
        else:
            fact = shown(column.str.len_chars().sum()) if count else None
        facts[name] = [str(column.dtype), count, fact]
    return frame.height, facts


def polars_cast(name, sql_type):
    column = polars.col(name)
    size = re.fullmatch(r"numeric\((\d+),(\d+)\)", sql_type)
    if size:
        return column.cast(polars.Decimal(int(size[1]), int(size[2])))
    kind = kind_of(sql_type)
    if kind == "boolean":
        return column == "true"
    if kind == "date":
        return column.str.to_date("%Y-%m-%d")
    if kind == "instant":
        return column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
    return column.cast({"integer": polars.Int64, "double": polars.Float64}.get(kind, polars.String))


readers = {"pyarrow": by_pyarrow, "DuckDB": by_duckdb, "Polars": by_polars}
answer = {reader: {} for reader in readers}
for entry in manifest["files"]:
    columns = [(column["name"], column["type"]) for column in entry["columns"]]
    for reader, read in readers.items():
        rows, facts = read(folder / entry["file"], columns)
        answer[reader][entry["table"]] = {"rows": rows, "columns": facts}
versions = f"pyarrow {pyarrow.__version__}, DuckDB {duckdb.__version__}, Polars {polars.__version__}"
print(json.dumps({"versions": versions, "readers": answer}))
