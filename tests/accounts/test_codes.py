"""A second factor serves once, for a time, for one sign-in, whatever is tried against it."""

from datetime import timedelta

import pytest
from django.db import connection
from django_otp.oath import TOTP

from accounts import devices, directory
from accounts.devices import CodeExpired, NoTriesLeft, TooSoon, WrongCode
from accounts.models import ContactDevice, TotpDevice, User
from tests.accounts.people import TOTP_SECRET, open_camille, provision_roy
from tests.cast import NOON
from vault import subjects

SOON, LATE = NOON + timedelta(minutes=4), NOON + timedelta(minutes=5)


@pytest.fixture
def camille(db):
    return open_camille().user_id


def device_of(user_id):
    return ContactDevice.objects.get(user_id=user_id)


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_code_serves_once(camille):
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)
    assert len(code) == 6

    devices.use_code(camille, "sign-in", f" {code[:3]} {code[3:]} ", at=SOON)

    with pytest.raises(CodeExpired):
        devices.use_code(camille, "sign-in", code, at=SOON)


def test_a_code_is_never_kept_in_clear(camille):
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)

    kept = device_of(camille)

    assert len(bytes(kept.code_mac)) == 32
    assert code.encode() not in bytes(kept.code_mac) + bytes(kept.sealed)


def test_a_code_dies_after_five_minutes(camille):
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)

    with pytest.raises(CodeExpired):
        devices.use_code(camille, "sign-in", code, at=LATE)
    with pytest.raises(CodeExpired):
        devices.use_code(camille, "sign-in", code, at=SOON)


def test_a_code_bears_five_tries(camille):
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)

    for left in (4, 3, 2, 1):
        with pytest.raises(WrongCode) as told:
            devices.use_code(camille, "sign-in", another(code), at=SOON)
        assert told.value.tries_left == left
    with pytest.raises(NoTriesLeft):
        devices.use_code(camille, "sign-in", another(code), at=SOON)

    with pytest.raises(NoTriesLeft):
        devices.use_code(camille, "sign-in", code, at=SOON)


def test_a_code_of_one_sign_in_opens_no_other(camille):
    code = devices.new_code(device_of(camille).pk, "one sign-in", at=NOON)

    with pytest.raises(WrongCode):
        devices.use_code(camille, "another", code, at=SOON)


def test_a_code_of_one_person_opens_nothing_of_another(camille, db):
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)
    paul = provision_roy().user_id

    with pytest.raises(CodeExpired):
        devices.use_code(paul, "sign-in", code, at=SOON)


def test_a_new_code_waits_a_minute_and_replaces_the_old_one(camille):
    device_id = device_of(camille).pk
    first = devices.new_code(device_id, "sign-in", at=NOON)

    with pytest.raises(TooSoon) as told:
        devices.new_code(device_id, "sign-in", at=NOON + timedelta(seconds=59))
    assert told.value.again_at == NOON + timedelta(seconds=60)

    second = devices.new_code(device_id, "sign-in", at=NOON + timedelta(seconds=60))
    if first != second:
        with pytest.raises(WrongCode):
            devices.use_code(camille, "sign-in", first, at=SOON)
    devices.use_code(camille, "sign-in", second, at=SOON)


def test_at_most_five_codes_leave_in_an_hour(camille):
    device_id = device_of(camille).pk
    for minute in range(5):
        devices.new_code(device_id, "sign-in", at=NOON + timedelta(minutes=2 * minute))

    with pytest.raises(TooSoon) as told:
        devices.new_code(device_id, "sign-in", at=NOON + timedelta(minutes=30))
    assert told.value.again_at == NOON + timedelta(hours=1)

    assert devices.new_code(device_id, "sign-in", at=NOON + timedelta(minutes=61))


def code_at(at) -> str:
    made = TOTP(TOTP_SECRET)
    made.time = at.timestamp()
    return f"{made.token():06d}"


@pytest.fixture
def roy(db):
    return User.objects.get(pk=provision_roy().user_id)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_clock_may_be_half_a_minute_off(roy, seconds):
    devices.use_totp(roy, subjects.keyring(roy.pk), code_at(NOON + timedelta(seconds=seconds)), at=NOON)


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "²³¹²³¹", code_at(NOON - timedelta(minutes=2))]
)
def test_any_other_code_is_refused(roy, code):
    with pytest.raises(WrongCode):
        devices.use_totp(roy, subjects.keyring(roy.pk), code, at=NOON)


def test_a_code_of_an_application_serves_once_nor_does_an_older_one_after(roy):
    keyring = subjects.keyring(roy.pk)
    older, code = code_at(NOON - timedelta(seconds=30)), code_at(NOON)
    devices.use_totp(roy, keyring, code, at=NOON)

    for used in (code, older):
        with pytest.raises(WrongCode):
            devices.use_totp(roy, keyring, used, at=NOON + timedelta(seconds=10))


def test_the_secret_of_an_application_is_told_once_and_sealed(db):
    told = directory.provision_staff(login="ines.astruc", name="Inès Astruc", at=NOON)

    kept = TotpDevice.objects.get(user_id=told.user_id)

    assert told.totp.address.startswith("otpauth://totp/DMP:ines.astruc?secret=")
    assert told.totp.text.encode() not in bytes(kept.sealed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(d)::text FROM accounts_totpdevice d")
        assert told.totp.text not in cursor.fetchone()[0]


def test_the_generic_door_of_django_otp_stays_closed(camille):
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)

    assert device_of(camille).verify_token(code) is False
