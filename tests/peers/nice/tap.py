"""PyPI tap-nice-incontact, run in its own environment against the address that it is told.

    python tap.py '{"url": .., "configuration": {..}, "streams": [..]}'

Standard output: the tap's messages, one JSON object a line: {"type": "RECORD", "stream": .., "record": ..}, SCHEMA and
STATE; then {"type": "END"}. The tap has the vendor's host names built in, so its client is given other addresses.
"""

from __future__ import annotations

import importlib
import json
import sys

from singer import metadata
from tap_nice_incontact.client import NiceInContactClient
from tap_nice_incontact.discover import discover

# The package hides its module `sync` behind the function of that name.
syncing = importlib.import_module("tap_nice_incontact.sync")
SETTINGS = json.loads(sys.argv[1])
URL = SETTINGS["url"]


class Client(NiceInContactClient):
    """The tap's client with other addresses."""

    def __init__(self, **parameters: str) -> None:
        super().__init__(**parameters)
        self.auth_endpoint = f"{URL}/authentication/v1/token/access-key"
        self.refresh_endpoint = f"{URL}/public/user/refresh"
        self.api_base_uri = f"{URL}/inContactAPI/services/v{self.api_version}"


def main() -> None:
    """Read the streams that were asked for."""
    syncing.NiceInContactClient = Client
    catalog = discover()
    for stream in catalog.streams:
        selected = metadata.to_map(stream.metadata)
        selected[()]["selected"] = stream.tap_stream_id in SETTINGS["streams"]
        stream.metadata = metadata.to_list(selected)
    syncing.sync(SETTINGS["configuration"], {}, catalog)
    sys.stdout.write(json.dumps({"type": "END"}) + "\n")
    sys.stdout.flush()


main()
