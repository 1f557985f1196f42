"""The people of every test. A name says more than `user2`."""

from datetime import UTC, datetime
from uuid import UUID

from accounts.actors import Actor, Authentication, Capacity, Channel

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _id(number: int) -> UUID:
    return UUID(int=number, version=4)


DOSSIER, OTHER_DOSSIER = _id(0xD0551E), _id(0xD0551F)
CLINIC, PHARMACY, CPAM = _id(0xC11), _id(0xFA2), _id(0xC9A)

CAMILLE = Actor(
    capacity=Capacity.HOLDER,
    id=_id(0xCA),
    name="Camille Moreau",
    authentication=Authentication.PASSWORD_AND_CODE,
    dossier_id=DOSSIER,
)
PAUL = Actor(
    capacity=Capacity.HOLDER,
    id=_id(0xFA),
    name="Paul Adam",
    authentication=Authentication.PASSWORD_AND_CODE,
    dossier_id=OTHER_DOSSIER,
)


def _professional(number: int, name: str, profession: str, structure_id: UUID, structure: str) -> Actor:
    return Actor(
        capacity=Capacity.PROFESSIONAL,
        id=_id(number),
        name=name,
        profession=profession,
        structure_id=structure_id,
        structure=structure,
        authentication=Authentication.PRO_SANTE_CONNECT,
    )


LEFEVRE = _professional(0x1EF, "Dr Anne Lefèvre", "10", CLINIC, "Cabinet des Tilleuls")
NADIA = _professional(0xAD1A, "Nadia Benali", "60", CLINIC, "Cabinet des Tilleuls")
PHARMACIST = _professional(0xFA3, "Lucie Ferran", "21", PHARMACY, "Pharmacie du Pont")
OPTICIAN = _professional(0x097, "Marc Vidal", "28", PHARMACY, "Optique du Pont")
STUDENT = _professional(0x57D, "Zoé Interne", "G16", CLINIC, "Cabinet des Tilleuls")

ROY = Actor(
    capacity=Capacity.AGENT,
    id=_id(0x207),
    name="Bernard Roy",
    structure_id=CPAM,
    structure="CPAM de la Haute-Garonne",
    channel=Channel.COUNTER,
    authentication=Authentication.PASSWORD_AND_TOTP,
)
STAFF = Actor(
    capacity=Capacity.STAFF,
    id=_id(0x57A),
    name="Inès Astruc",
    authentication=Authentication.PASSWORD_AND_TOTP,
)
PROGRAM = Actor(
    capacity=Capacity.PROGRAM,
    id=_id(0x960),
    name="Logiciel d’essai",
    channel=Channel.API,
    authentication=Authentication.PRIVATE_KEY,
)
NOBODY = Actor(capacity=Capacity.ANONYMOUS, id=_id(0x0AA))
APPLICANT = Actor(capacity=Capacity.APPLICANT, id=_id(0xA99))
