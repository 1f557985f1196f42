"""Somebody in front of the pages, either inside the test's process or over the wire."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    location: str  # path and query of where a redirect leads, whole when it leads outside
    text: str

    def links(self, pattern: str) -> list[str]:
        return re.findall(f'href="({pattern})"', self.text)


@dataclass(frozen=True, slots=True)
class Upload:
    field: str
    name: str
    content: bytes
    media_type: str = "application/pdf"


class Browser(Protocol):
    def get(self, path: str) -> Answer: ...

    def post(self, path: str, fields: Mapping[str, str], upload: Upload | None = None) -> Answer: ...

    def cookies(self) -> dict[str, str]: ...


class Within:
    """A browser inside the test's process."""

    def __init__(self) -> None:
        self._client = Client()

    def get(self, path: str) -> Answer:
        return self._answer(self._client.get(path))

    def post(self, path: str, fields: Mapping[str, str], upload: Upload | None = None) -> Answer:
        files = {}
        if upload:
            files[upload.field] = SimpleUploadedFile(upload.name, upload.content, upload.media_type)
        return self._answer(self._client.post(path, {**fields, **files}))

    def cookies(self) -> dict[str, str]:
        return {name: morsel.value for name, morsel in self._client.cookies.items()}

    @staticmethod
    def _answer(response) -> Answer:
        return Answer(
            response.status_code, response.get("Location", ""), response.content.decode(errors="replace")
        )


class OverTheWire:
    """A browser of its own, over HTTP: cookies, forms, and the token that each form carries."""

    def __init__(self, address: str, **headers: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers)

    def get(self, path: str) -> Answer:
        return self._answer(self._session.get(self._address + path, allow_redirects=False, timeout=60))

    def post(self, path: str, fields: Mapping[str, str], upload: Upload | None = None) -> Answer:
        if "csrf" not in self._session.cookies:
            self.get(path)
        if "csrf" not in self._session.cookies:
            self.get("/connexion/")
        token = {"csrfmiddlewaretoken": self._session.cookies.get("csrf", "")}
        files = {upload.field: (upload.name, upload.content, upload.media_type)} if upload else None
        return self._answer(
            self._session.post(
                self._address + path, data={**fields, **token}, files=files, allow_redirects=False, timeout=60
            )
        )

    def cookies(self) -> dict[str, str]:
        return {name: value or "" for name, value in self._session.cookies.items()}

    def _answer(self, response: requests.Response) -> Answer:
        to = response.headers.get("Location", "")
        if to and urljoin(self._address, to).startswith(f"{self._address}/"):
            parts = urlsplit(urljoin(self._address, to))
            to = parts.path + (f"?{parts.query}" if parts.query else "")
        return Answer(response.status_code, to, response.text)
