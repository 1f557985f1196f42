"""What somebody who has no private key would try."""

import base64
import hmac
import json
from typing import Any


def signed_with_the_public_key(told: Any, key: Any) -> str:
    """The public half of a key, taken as a shared secret: the oldest confusion of all."""
    header = {"alg": "HS384", "kid": key.kid}
    pieces = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, told)]
    mac = hmac.digest(key.as_pem(private=False), b".".join(pieces), "sha384")
    return b".".join([*pieces, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()
