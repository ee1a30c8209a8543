"""Reads examples/airflow as the scheduler does, runs its DAG once, and prints what became of it as JSON.

Usage: run_airflow.py FOLDER, with cosell on PATH and JOB_FOLDER in the environment. The answer:
{"version", "import_errors", "tasks", "states", "tries", "rows_written"}.
"""

import contextlib
import datetime
import json
import sys

with contextlib.redirect_stdout(sys.stderr):
    import airflow
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(sys.argv[1])
    dag = bag.dags.get("cosell_nightly")
    answer = {"version": airflow.__version__, "import_errors": list(bag.import_errors.values())}
    if dag is not None:
        answer["tasks"] = {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}
        for task in dag.tasks:
            # A test cannot wait a quarter of an hour.
            task.retries, task.retry_delay = 1, datetime.timedelta(0)
        ran = dag.test()
        found = {one.task_id: one for one in ran.get_task_instances()}
        answer["states"] = {name: str(one.state) for name, one in found.items()}
        answer["tries"] = found["run"].try_number
        summary = found["run"].xcom_pull(task_ids="run") or {}
        answer["rows_written"] = summary.get("rows_written")
json.dump(answer, sys.stdout)
