"""Sums an amount as each page of docs/bi says, and prints what each client finds as JSON.

Usage: clients.py ADDRESS FOLDER, where FOLDER has mart.referral.parquet of an export. The answer, by
client: its version, the rows and the sum of deal_value_once_amount as text.
"""

import decimal
import json
import pathlib
import sys
import warnings

address, folder = sys.argv[1:]
address = address.replace("postgres://", "postgresql://")
query = (
    "select referral_key, currency_code, deal_value_once_amount, "
    "deal_value_once_amount * 1.0000001 as expression from mart.referral"
)
file = f"{folder}/mart.referral.parquet"
amount = "deal_value_once_amount"
warnings.simplefilter("ignore")


def with_pandas():
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    frame = pandas.read_sql(query, engine, coerce_float=False)
    return pandas.__version__, len(frame), frame[amount].dropna().sum()


def with_pandas_and_arrow():
    import adbc_driver_postgresql
    import adbc_driver_postgresql.dbapi
    import pandas

    with adbc_driver_postgresql.dbapi.connect(address) as connection:
        frame = pandas.read_sql(query, connection)
    values = frame[amount].dropna().map(decimal.Decimal)
    return adbc_driver_postgresql.__version__, len(frame), values.sum()


def with_pandas_from_file():
    import pandas

    frame = pandas.read_parquet(file, dtype_backend="pyarrow")
    return pandas.__version__, len(frame), frame[amount].sum()


def with_polars():
    import polars
    import sqlalchemy

    engine = sqlalchemy.create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    # Missing amounts first: the default would refuse the next one, or round it.
    missing_first = f"{query} order by {amount} nulls first"
    frame = polars.read_database(missing_first, engine, infer_schema_length=None)
    return polars.__version__, frame.height, frame[amount].sum(), frame["expression"].sum()


def with_connectorx():
    import connectorx

    frame = connectorx.read_sql(
        address, query, return_type="polars", partition_on="referral_key", partition_num=4
    )
    return connectorx.__version__, frame.height, frame[amount].sum()


def with_ibis():
    import ibis

    table = ibis.connect(address).table("referral", database="mart")
    return ibis.__version__, table.count().execute(), table[amount].sum().to_pyarrow().as_py()


def with_duckdb():
    import duckdb
    import duckdb_extension_postgres_scanner

    # The package has what `install postgres` would download.
    package = pathlib.Path(duckdb_extension_postgres_scanner.__file__).parent
    (extension,) = package.rglob("postgres_scanner.duckdb_extension")
    connection = duckdb.connect()
    connection.execute(f"load '{extension}'")
    connection.execute(f"attach '{address}' as cosell (type postgres, read_only)")
    rows, total = connection.execute(
        f"select count(*), sum({amount}) from cosell.mart.referral"
    ).fetchone()
    return duckdb.__version__, rows, total


def with_duckdb_from_file():
    import duckdb

    rows, total = (
        duckdb.connect().execute(f"select count(*), sum({amount}) from '{file}'").fetchone()
    )
    return duckdb.__version__, rows, total


def with_hyper():
    import tableauhyperapi as hyper

    # Without its log, which it writes to the folder it is started in.
    settings = {"default_database_version": "3", "log_config": ""}
    usage = hyper.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU
    extract = f"{folder}/referral.hyper"
    with (
        hyper.HyperProcess(usage, parameters=settings) as server,
        hyper.Connection(server.endpoint, extract, hyper.CreateMode.CREATE_AND_REPLACE) as connection,
    ):
        connection.execute_command(f"create table referral as (select * from external('{file}'))")
        (row,) = connection.execute_list_query(f"select count(*), sum({amount}) from referral")
    return hyper.__version__, *row


clients = {
    "pandas": with_pandas,
    "pandas over ADBC": with_pandas_and_arrow,
    "pandas from a file": with_pandas_from_file,
    "Polars": with_polars,
    "connectorx": with_connectorx,
    "Ibis": with_ibis,
    "DuckDB": with_duckdb,
    "DuckDB from a file": with_duckdb_from_file,
    "Hyper from a file": with_hyper,
}
answer = {}
for client, total in clients.items():
    version, rows, *sums = total()
    answer[client] = {"version": version, "rows": int(rows), "sums": [format(s, "f") for s in sums]}
print(json.dumps(answer))
