"""What the front says when a request never reached the application."""

from dmp import headers, logs, metrics, requests
from portal import errors


def page(path: str, status: int) -> tuple[list[tuple[str, str]], bytes]:
    """The headers and the body of a refusal, for whoever asked for `path`. It leaves a line and a figure, as
    any request does; no route was looked for."""
    reference = requests.new_reference()
    response = errors.bare_page(path, status, reference)
    level = "error" if status >= 500 else "info"
    logs.write(
        event="request refused", level=level, request=reference, route=requests.NO_ROUTE, status=status
    )
    metrics.count(requests.NO_ROUTE, status, 0.0)
    said = [*response.items(), *ALWAYS, (requests.HEADER, reference)]
    return [*said, ("Connection", "close")], response.content  # what is left of the body is not read


ALWAYS = headers.of_every_answer()
