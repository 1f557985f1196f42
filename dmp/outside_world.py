"""Who is outside under `make run`: the sandbox, but for whom the environment names.

A correspondent is a set of settings. Each one given wins, one by one; a set given by half is completed by the
sandbox's own, and that is said: a demonstration shows something even then, and its secrets open nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Each correspondent: what it is called, the address it is known by, what goes with it.
CORRESPONDENTS = (
    ("l’Assurance Maladie", "DMP_HISTORY_URL", ("DMP_HISTORY_TOKEN",)),
    ("Pro Santé Connect", "DMP_PSC_ISSUER", ("DMP_PSC_CLIENT_ID", "DMP_PSC_CLIENT_SECRET")),
    ("les SMS", "DMP_SMS_URL", ("DMP_SMS_TOKEN",)),
    ("les courriels", "DMP_SMTP_HOST", ("DMP_SMTP_PORT",)),
    ("le lecteur de cartes Vitale", "DMP_READER_URL", ("DMP_READER_JWKS_URL",)),
)
# What completes an address given alone, when the sandbox's own would be wrong.
COMPLETED = {"DMP_SMTP_PORT": "25"}
# The cast plays with these three: without them it has neither number, nor code, nor card.
PLAYED_WITH = ("DMP_HISTORY_URL", "DMP_SMS_URL", "DMP_READER_URL")


@dataclass(frozen=True)
class Given:
    """The settings that win over the sandbox's, and what is said of them."""

    settings: Mapping[str, str] = field(default_factory=dict)
    # In its own environment: it is told no secret of somebody else's.
    for_the_sandbox: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    @property
    def leaves_the_cast_alone(self) -> bool:
        """Whether the cast finds its number, its codes and its cards in the sandbox."""
        return not any(name in self.settings for name in PLAYED_WITH)


def given(environment: Mapping[str, str], simulated: Mapping[str, str]) -> Given:
    """What of the outside the environment names."""
    settings: dict[str, str] = {}
    for_the_sandbox: dict[str, str] = {}
    sentences: list[str] = []
    for called, address, others in CORRESPONDENTS:
        names = (address, *others)
        wins = {name: environment[name] for name in names if environment.get(name)}
        if not wins:
            continue
        if address in wins:
            wins = {name: value for name, value in COMPLETED.items() if name in others} | wins
            for_the_sandbox |= {name: simulated[name] for name in names}
            sentences.append(f"Hors du bac à sable : {called}, {place(wins[address])} ({address}).")
        missing = [name for name in names if name not in wins]
        if missing:
            sentences.append(
                f"{', '.join(wins)} sans {', '.join(missing)} : ce qui manque est du bac à sable."
            )
        settings |= wins
    return Given(settings, for_the_sandbox, tuple(sentences))


def place(address: str) -> str:
    """Where an address leads, without what may be secret in it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else address
