#!/usr/bin/env bash
# Hyper API 0.0.26963 of Tableau reads decimals of up to 38 digits from Parquet and computes with them, but stores none of
# more than 18 in a .hyper file as it makes one by itself: not numeric(19,4), and no sum of numeric(18,4) either, which
# is numeric(38,4). A temporary table takes them. With the parameter default_database_version 3 they are stored.
#
#   create table t as (select * from external('amounts.parquet'))
#   HyperException: This database does not support 128-bit numerics.
#
# It meets people who make an extract for Tableau of exported Parquet files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tableauhyperapi==0.0.26963 pyarrow==26.0.1
cat >try.py <<'PY'
import decimal
import sys

import pyarrow
import pyarrow.parquet
import tableauhyperapi as hyper

refusal = "This database does not support 128-bit numerics."
amounts = pyarrow.array([decimal.Decimal("1146.3575")], pyarrow.decimal128(19, 4))
pyarrow.parquet.write_table(pyarrow.table({"amount": amounts}), "amounts.parquet")
select = "select amount from external('amounts.parquet')"
narrow = "select cast(amount as numeric(18,4)) as amount from external('amounts.parquet')"
total = f"select sum(amount) as amount from ({narrow}) as narrow"


def outcomes(parameters):
    found = {}
    with (
        hyper.HyperProcess(
            hyper.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters=parameters
        ) as server,
        hyper.Connection(
            server.endpoint, "amounts.hyper", hyper.CreateMode.CREATE_AND_REPLACE
        ) as connection,
    ):
        with connection.execute_query(select) as result:
            types = [str(column.type) for column in result.schema.columns]
            found["read"] = f"{types[0]} {list(result)[0][0]}"
        for name, statement in {
            "temporary": f"create temporary table temporary as ({select})",
            "numeric(18,4)": f"create table narrow as ({narrow})",
            "numeric(19,4)": f"create table wide as ({select})",
            "sum of numeric(18,4)": f"create table total as ({total})",
        }.items():
            try:
                connection.execute_command(statement)
                found[name] = "stored"
            except hyper.HyperException as error:
                found[name] = str(error.main_message)
    print(parameters, found)
    return found


print("Hyper API", hyper.__version__)
same = {
    "read": "NUMERIC(19, 4) 1146.3575",
    "temporary": "stored",
    "numeric(18,4)": "stored",
}
by_itself = same | {"numeric(19,4)": refusal, "sum of numeric(18,4)": refusal}
asked = same | {"numeric(19,4)": "stored", "sum of numeric(18,4)": "stored"}
is_same = outcomes({}) == by_itself and outcomes({"default_database_version": "3"}) == asked
sys.exit(0 if is_same else 1)
PY
venv/bin/python try.py
