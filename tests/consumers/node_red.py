"""A real Node-RED with one of the flows of docs/consumers/node-red, told where the broker of a test is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.consumers.environment import PROGRAM, READY
from tests.consumers.pages import FOLDER
from tests.consumers.program import Program
from tests.e2e.harness import free_port
from tests.programs import lacking, require

SETTINGS = """
module.exports = {{
    flowFile: "flow.json",
    uiHost: "127.0.0.1",
    uiPort: {port},
    httpAdminRoot: false,
    telemetry: {{ enabled: false, updateNotification: false }},
    diagnostics: {{ enabled: false }},
    logging: {{ console: {{ level: "info" }} }},
}};
"""


def node_red(folder: Path, name: str, broker: int, places: Mapping[str, str] = {}) -> Program:
    """Runs the flow in a folder; `places` are other addresses in it, by how the file writes them."""
    if not READY.exists():
        lacking("Node-RED is not installed (make test-consumers does it)")
    folder.mkdir(exist_ok=True)
    text = (FOLDER / "node-red" / name).read_text()
    for written, meant in places.items():
        assert written in text
        text = text.replace(written, meant)
    (folder / "flow.json").write_text(json.dumps([_nearby(node, broker) for node in json.loads(text)]))
    (folder / "settings.js").write_text(SETTINGS.format(port=free_port()))
    command = (require("node", "nodejs"), PROGRAM, "--userDir", folder, "--settings", folder / "settings.js")
    return Program(folder, *command, ready=lambda words: "Connected to broker" in words)


def _nearby(node: dict[str, Any], broker: int) -> dict[str, Any]:
    """A flow's node; that of the broker knows the test's."""
    if node["type"] != "mqtt-broker":
        return node
    assert (node["broker"], node["port"]) == ("localhost", "1883")
    return node | {"broker": "127.0.0.1", "port": str(broker)}
