"""Ends well when this container's web process can serve."""

from urllib.request import Request, urlopen

urlopen(Request("http://127.0.0.1:8000/readyz", headers={"X-Forwarded-Proto": "https"}), timeout=4)
