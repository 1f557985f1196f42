"""Check digits of the numbers that invented people carry, written apart from the house's own."""

TEST_INS = "1.2.250.1.213.1.4.10"  # INS-NIR of test: never the number of somebody real
TEST_NIA = "1.2.250.1.213.1.4.11"  # the same, for the numbers given while waiting


def nir(sex: str, birth_date: str, commune: str, order: int, *, waiting: bool = False) -> str:
    """The 15 characters of a social security number, or of the one given while `waiting` for it.

    `commune` is the five-character INSEE code, Corsica included ("2A004").
    """
    first = {"M": "7" if waiting else "1", "F": "8" if waiting else "2"}[sex]
    first_thirteen = f"{first}{birth_date[2:6]}{commune}{order:03d}"
    return f"{first_thirteen}{nir_key(first_thirteen):02d}"


def nir_key(first_thirteen: str) -> int:
    """97 minus the remainder; Corsican départements count as 19 and 18."""
    departement = {"2A": "19", "2B": "18"}.get(first_thirteen[5:7], first_thirteen[5:7])
    number = first_thirteen[:5] + departement + first_thirteen[7:]
    return 97 - int(number) % 97


def luhn_key(digits: str) -> str:
    """The digit that makes `digits` pass the Luhn check."""
    total = 0
    for rank, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if rank % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def rpps(number: int) -> str:
    """A test RPPS: eleven digits, 9990 first as on the test cards, Luhn at the end."""
    first_ten = f"9990{number:06d}"
    return first_ten + luhn_key(first_ten)


def finess(number: int) -> str:
    """A FINESS of département 99, which has no hospital: it designates nothing real."""
    first_eight = f"99{number:06d}"
    return first_eight + luhn_key(first_eight)
