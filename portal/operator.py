"""Who answers for this service, as its pages say it."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Operator:
    """The particulars that French law wants people to find (LCEN art. 1-1, RGPD art. 13, RGAA).

    Free text of one line each, given by the settings `DMP_OPERATOR_*`.
    """

    name: str
    address: str
    email: str
    phone: str
    director: str  # of publication
    host: str  # of health data, certified (CSP art. L. 1111-8): name, address, telephone
    dpo: str  # how to reach the data protection officer
    processors: str  # who else handles data for the operator


@cache
def operator() -> Operator | None:
    """The operator of this installation; None in a demonstration, for which nobody answers."""
    if settings.DMP_DEMO:
        return None
    return Operator(
        name=settings.DMP_OPERATOR_NAME,
        address=settings.DMP_OPERATOR_ADDRESS,
        email=settings.DMP_OPERATOR_EMAIL,
        phone=settings.DMP_OPERATOR_PHONE,
        director=settings.DMP_OPERATOR_DIRECTOR,
        host=settings.DMP_OPERATOR_HOST,
        dpo=settings.DMP_OPERATOR_DPO,
        processors=settings.DMP_OPERATOR_PROCESSORS,
    )
