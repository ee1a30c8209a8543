"""Reads run events with OpenLineage's own client, and prints what it found as JSON.

Usage: read_lineage.py FILE, a JSON list of events. Each is made again of the client's classes, which
refuse what they do not know, and must come out of the client as it went in. The answer:
{"types", "jobs", "differing"}, the last with an event and what the client makes of it.
"""

import importlib
import json
import pathlib
import pkgutil
import sys

import attr
from openlineage.client import event_v2, generated
from openlineage.client.generated import base
from openlineage.client.serde import Serde

modules = [
    importlib.import_module(f"openlineage.client.generated.{module.name}")
    for module in pkgutil.iter_modules(generated.__path__)
]


def made(kind, value):
    """An instance of a class of the client, without the names that it sets itself."""
    names = {field.name for field in attr.fields(kind) if field.init}
    own = {field.name for field in attr.fields(kind)} - names
    return kind(**{key: part for key, part in value.items() if key not in own})


def facets(values):
    """Facets by the class that their schema is of."""
    found = {}
    for key, value in values.items():
        name = value["_schemaURL"].rsplit("/", 1)[1]
        kinds = [getattr(module, name) for module in modules if hasattr(module, name)]
        found[key] = made(kinds[0], {k: v for k, v in value.items() if k != "_producer"})
        found[key]._producer = value["_producer"]
    return found


def read(event):
    run, job = event["run"], event["job"]
    return event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=base.Run(runId=run["runId"], facets=facets(run["facets"])),
        job=base.Job(job["namespace"], job["name"], facets=facets(job["facets"])),
        inputs=[made(base.InputDataset, one) for one in event["inputs"]],
        outputs=[made(base.OutputDataset, one) for one in event["outputs"]],
    )


def bare(part):
    """Without the empty facets that the client adds to datasets."""
    if isinstance(part, list):
        return [bare(one) for one in part]
    if isinstance(part, dict):
        return {
            key: bare(one)
            for key, one in part.items()
            if not (key in ("facets", "inputFacets", "outputFacets") and one == {})
        }
    return part


events = json.loads(pathlib.Path(sys.argv[1]).read_text())
returned = [bare(json.loads(Serde.to_json(read(event)))) for event in events]
json.dump(
    {
        "types": [event["eventType"] for event in returned],
        "jobs": [event["job"]["name"] for event in returned],
        "differing": [pair for pair in zip(events, returned) if pair[0] != pair[1]],
    },
    sys.stdout,
)
