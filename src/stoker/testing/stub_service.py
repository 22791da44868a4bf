"""The whole service with the stub engine behind it: `python -m stoker.testing.stub_service JSON`.

The document has `behaviour` (of the stub), `settings` (of the service), `limits` (of a worker),
`slots` and `gates` (a folder that the stub may read), each of which may be left out. For tests of
the door that need an engine which waits, floods or dies when it is told to.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from stoker import app
from stoker.state.home import Home
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.limits import WorkerLimits


def settings_of(document: dict[str, Any]) -> app.ServiceSettings:
    """The settings that `document` asks for; the service answers for the model `stub`."""
    gates = (Path(document["gates"]),) if "gates" in document else ()
    engine = StubEngine(StubBehaviour(**document.get("behaviour", {})), readable=gates)
    return app.ServiceSettings(
        plans=[stub_plan(slots=document.get("slots", 1))],
        port=0,
        limits=WorkerLimits(**document.get("limits", {})),
        engines=lambda _: engine,
        **document.get("settings", {}),
    )


def main() -> None:
    """Serve until a signal ends it; the address is announced on the standard error."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)

    def announce(url: str) -> None:
        sys.stderr.write(f"Stoker listens on {url}\n")
        sys.stderr.flush()

    app.run(settings_of(json.loads(sys.argv[1])), Home.find(), announce)


if __name__ == "__main__":
    main()
