"""Reads examples/airflow as the scheduler does, runs a DAG once, and prints what became of it as JSON.

Usage: run_airflow.py FOLDER [accounts], with cosell on PATH and JOB_FOLDER in the environment. The answer of the
nightly DAG: {"version", "import_errors", "tasks", "states", "tries", "rows_written"}; of that of many accounts:
{"import_errors", "runs"}, of each mapped task its state, its tries and the account that it loaded.
"""

import contextlib
import datetime
import json
import sys


def run(dag):
    """Returns the task instances of a run, in the order of their places in the map."""
    for task in dag.tasks:
        # A test cannot wait a quarter of an hour.
        if task.is_mapped:
            task.partial_kwargs.update(retries=1, retry_delay=datetime.timedelta(0))
        else:
            task.retries, task.retry_delay = 1, datetime.timedelta(0)
    return sorted(dag.test().get_task_instances(), key=lambda one: one.map_index)


def nightly(dag):
    found = {one.task_id: one for one in run(dag)}
    summary = found["run"].xcom_pull(task_ids="run") or {}
    return {
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "states": {name: str(one.state) for name, one in found.items()},
        "tries": found["run"].try_number,
        "rows_written": summary.get("rows_written"),
    }


def accounts(dag):
    runs = [one for one in run(dag) if one.task_id == "run"]
    loaded = [one.xcom_pull(task_ids="run", map_indexes=one.map_index) or {} for one in runs]
    names = [(summary.get("accounts") or [{}])[0].get("account") for summary in loaded]
    return {"runs": [[str(one.state), one.try_number, name] for one, name in zip(runs, names)]}


with contextlib.redirect_stdout(sys.stderr):
    import airflow
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(sys.argv[1])
    errors = {"import_errors": list(bag.import_errors.values())}
    if sys.argv[2:] == ["accounts"]:
        dag = bag.dags.get("cosell_accounts")
        answer = errors | (accounts(dag) if dag is not None else {})
    else:
        dag = bag.dags.get("cosell_nightly")
        answer = {"version": airflow.__version__} | errors | (nightly(dag) if dag is not None else {})
json.dump(answer, sys.stdout)
