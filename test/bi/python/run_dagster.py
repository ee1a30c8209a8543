"""Runs the job of examples/dagster once and prints what became of it as JSON.

Usage: run_dagster.py FILE, with cosell on PATH and JOB_FOLDER in the environment. The answer:
{"schedule", "success", "rows_written", "retried", "error"}.
"""

import importlib.util
import json
import sys

import dagster

spec = importlib.util.spec_from_file_location("cosell_nightly", sys.argv[1])
sample = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sample)
# A test cannot wait a quarter of an hour.
sample.SECONDS_BETWEEN, sample.RETRIES = 0, 1

job = sample.definitions.resolve_job_def("cosell_nightly")
ran = job.execute_in_process(raise_on_error=False)
events = list(ran.all_events)
failures = [event.event_specific_data for event in events if event.is_step_failure]
answer = {
    "schedule": sample.nightly.cron_schedule,
    "success": ran.success,
    "rows_written": ran.output_for_node("run")["rows_written"] if ran.success else None,
    "retried": any(event.is_step_restarted for event in events),
    "error": failures[0].error.message if failures else None,
}
json.dump(answer, sys.stdout)
