"""The nightly job of cosell as an Airflow DAG.

Runs `cosell run --json` in the folder of its settings, and pushes the summary, its last line of output,
as the task's value. 4 (another run holds the account) and 75 (throttled, database down, deadline) are tried
again; every other code needs a person, so the task fails at once. The report of the day follows.
"""

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import dag, task

FOLDER = os.environ.get("JOB_FOLDER", "/srv/cosell")
TRIED_AGAIN = {4, 75}


def cosell(*arguments: str) -> dict:
    """Returns the last line of a command; its log, on standard error, goes to the task's log."""
    ended = subprocess.run(
        ["cosell", *arguments, "--json"], cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=False
    )
    lines = ended.stdout.splitlines()
    result = json.loads(lines[-1]) if lines else {}
    if ended.returncode == 0:
        return result
    text = f"cosell {arguments[0]} ended with {ended.returncode}: {result.get('message', 'no result')}"
    if ended.returncode in TRIED_AGAIN:
        raise AirflowException(text)
    raise AirflowFailException(text)


@dag(
    schedule="17 5 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    # One night reads what all missed ones would have.
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 4, "retry_delay": timedelta(minutes=15)},
    tags=["cosell"],
)
def cosell_nightly():
    @task(execution_timeout=timedelta(hours=6))
    def run() -> dict:
        return cosell("run")

    @task
    def report() -> dict:
        return cosell("report", "--out", os.path.join(FOLDER, "report.html"))

    run() >> report()


cosell_nightly()
