"""Loads the simulated referrals with dlt: one command a load, as its users write it.

Usage: load_with_dlt.py WAY API_URL DATABASE_URL STATE_FOLDER
WAY is rest (the REST source), adbc (the same through Arrow's driver) or pages (by page number, in
four threads).
"""

import sys

import dlt
import requests
from dlt.sources.rest_api import rest_api_source

way, api, database, state = sys.argv[1:]
first_day = "2000-01-01T00:00:00Z"


def sign_in() -> str:
    form = {
        "grant_type": "refresh_token",
        "client_id": "sandbox",
        "refresh_token": "sandbox-refresh-token",
        "scope": "https://api.partnercenter.microsoft.com/.default",
    }
    answer = requests.post(f"{api}/sandbox/oauth2/v2.0/token", data=form, timeout=60)
    answer.raise_for_status()
    return answer.json()["access_token"]


def by_rest():
    return rest_api_source(
        {
            "client": {
                "base_url": f"{api}/v1.0/engagements/",
                "auth": {"type": "bearer", "token": sign_in()},
                "paginator": {"type": "json_link", "next_url_path": "['@odata.nextLink']"},
            },
            "resources": [
                {
                    "name": "referrals",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "referrals",
                        "data_selector": "value",
                        "params": {
                            "$orderby": "updatedDateTime asc",
                            "$filter": "updatedDateTime ge {incremental.start_value}",
                        },
                        "incremental": {
                            "cursor_path": "updatedDateTime",
                            "initial_value": first_day,
                        },
                    },
                }
            ],
        }
    )


def by_page_number():
    token = sign_in()
    size = 100

    def read(since, skip):
        answer = requests.get(
            f"{api}/v1.0/engagements/referrals",
            params={
                "$filter": f"updatedDateTime ge {since}",
                "$orderby": "updatedDateTime asc",
                "$top": size,
                "$skip": skip,
            },
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json()["value"]

    @dlt.resource(name="referrals", primary_key="id", write_disposition="merge")
    def referrals(updated=dlt.sources.incremental("updatedDateTime", initial_value=first_day)):
        since, skip = updated.last_value, 0
        while True:
            # Four pages at once; dlt runs the deferred calls in its threads.
            read_page = dlt.defer(read)
            first = read(since, skip)
            yield first
            if len(first) < size:
                return
            for ahead in range(1, 4):
                yield read_page(since, skip + ahead * size)
            skip += 4 * size

    return referrals()


destination = dlt.destinations.postgres(database)
pipeline = dlt.pipeline(
    pipeline_name=f"referrals_{way}",
    pipelines_dir=state,
    destination=destination,
    dataset_name=f"dlt_{way}",
)
source = by_page_number() if way == "pages" else by_rest()
pipeline.run(source, loader_file_format="parquet" if way == "adbc" else None)
