"""Ends well when this container's web process can serve."""

from urllib.request import ProxyHandler, Request, build_opener

READY = Request("http://127.0.0.1:8000/readyz", headers={"X-Forwarded-Proto": "https"})
build_opener(ProxyHandler({})).open(READY, timeout=4)  # a proxy for the outside does not lead here
