"""The insurer of the bench: it answers statements written beforehand, so that what is measured is ours."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

STATEMENTS = Path(os.environ.get("DMP_BENCH_STATEMENTS", "."))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    asked = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    statement = (STATEMENTS / f"{asked['ins']['valeur']}.xml").read_bytes()
    headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(statement))), ("ETag", '"1"')]
    start_response("200 OK", headers)
    return [statement]
