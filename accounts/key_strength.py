"""Which public keys are believed: RSA from 2,048 bits, elliptic curves P-256 and P-384."""

from joserfc.jwk import ECKey, Key, RSAKey

SHORTEST_RSA, LONGEST_RSA = 2048, 8192  # bits; a longer one only costs us time
ALGORITHM_OF_CURVE = {"P-256": "ES256", "P-384": "ES384"}


def strong(key: Key) -> bool:
    """Whether a signature made with this key proves anything."""
    if isinstance(key, RSAKey):
        public = key.public_key
        return SHORTEST_RSA <= public.key_size <= LONGEST_RSA and public.public_numbers().e >= 65537
    return isinstance(key, ECKey) and key.curve_name in ALGORITHM_OF_CURVE


def algorithm_of(key: Key) -> str | None:
    """The one algorithm that a program's key goes with; none when it is too weak."""
    if not strong(key):
        return None
    return ALGORITHM_OF_CURVE[key.curve_name] if isinstance(key, ECKey) else "RS384"
