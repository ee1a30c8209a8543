"""Many accounts of cosell as an Airflow DAG: a mapped task an account, side by side.

The names come from the accounts file in the folder of the settings, COSELL_ACCOUNTS_FILE. Each task runs
`cosell run --account NAME --json` and pushes the summary. An account that fails leaves the others alone: 4 and
75 are tried again, every other code needs a person and fails its task at once. Workers on several machines
share the sign-ins in the warehouse by COSELL_TOKEN_KEY.
"""

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import dag, task

FOLDER = os.environ.get("JOB_FOLDER", "/srv/cosell")
ACCOUNTS_FILE = os.environ.get("COSELL_ACCOUNTS_FILE", "accounts.json")
TRIED_AGAIN = {4, 75}


@dag(
    schedule="17 5 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 4, "retry_delay": timedelta(minutes=15)},
    tags=["cosell"],
)
def cosell_accounts():
    @task
    def names() -> list[str]:
        with open(os.path.join(FOLDER, ACCOUNTS_FILE), encoding="utf-8") as file:
            return [entry["account"] for entry in json.load(file)]

    @task(execution_timeout=timedelta(hours=6), max_active_tis_per_dagrun=8)
    def run(name: str) -> dict:
        command = ["cosell", "run", "--account", name, "--json"]
        ended = subprocess.run(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=False)
        lines = ended.stdout.splitlines()
        result = json.loads(lines[-1]) if lines else {}
        if ended.returncode == 0:
            return result
        text = f"{name}: cosell ended with {ended.returncode}: {result.get('message', 'no result')}"
        if ended.returncode in TRIED_AGAIN:
            raise AirflowException(text)
        raise AirflowFailException(text)

    run.expand(name=names())


cosell_accounts()
