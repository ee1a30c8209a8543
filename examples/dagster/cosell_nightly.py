"""The nightly job of cosell as a Dagster job.

Runs `cosell run --json` in the folder of its settings, and records the summary, its last line of output, as
metadata. 4 (another run holds the account) and 75 (throttled, database down, deadline) are tried again;
every other code needs a person, so the op fails at once.
"""

import json
import os
import subprocess

import dagster

FOLDER = os.environ.get("JOB_FOLDER", "/srv/cosell")
TRIED_AGAIN = {4, 75}
RETRIES = 4
SECONDS_BETWEEN = 900


def cosell(*arguments: str) -> dict:
    """Returns the last line of a command; its log, on standard error, goes to the log of the op."""
    ended = subprocess.run(
        ["cosell", *arguments, "--json"], cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=False
    )
    lines = ended.stdout.splitlines()
    result = json.loads(lines[-1]) if lines else {}
    if ended.returncode == 0:
        return result
    text = f"cosell {arguments[0]} ended with {ended.returncode}: {result.get('message', 'no result')}"
    if ended.returncode in TRIED_AGAIN:
        raise dagster.RetryRequested(RETRIES, SECONDS_BETWEEN) from RuntimeError(text)
    raise dagster.Failure(text, allow_retries=False)


@dagster.op(out=dagster.Out(dict))
def run(context: dagster.OpExecutionContext) -> dict:
    summary = cosell("run")
    figures = {key: value for key, value in summary.items() if isinstance(value, (int, str))}
    context.add_output_metadata(figures)
    return summary


@dagster.op
def report(_summary: dict) -> str:
    return cosell("report", "--out", os.path.join(FOLDER, "report.html"))["file"]


@dagster.job
def cosell_nightly():
    report(run())


nightly = dagster.ScheduleDefinition(
    job=cosell_nightly, cron_schedule="17 5 * * *", execution_timezone="UTC"
)

definitions = dagster.Definitions(jobs=[cosell_nightly], schedules=[nightly])
