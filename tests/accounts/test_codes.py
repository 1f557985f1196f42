"""A second factor serves once, for a time, for one sign-in, whatever is tried against it."""

from datetime import timedelta

import pytest
from django.db import connection
from django_otp.oath import TOTP

from accounts import begun, devices, directory
from accounts.devices import CodeExpired, NoTriesLeft, TooSoon, WrongCode
from accounts.models import ContactDevice, SignIn, TotpDevice, User
from tests.accounts.people import ELSEWHERE, HOME, TOTP_SECRET, open_camille, provision_roy
from tests.cast import NOON
from vault import subjects

SOON, LATE = NOON + timedelta(minutes=4), NOON + timedelta(minutes=5)


@pytest.fixture
def camille(db):
    return open_camille().user_id


def begin(user_id, browser=HOME, at=NOON):
    """A sign-in begun, with the password an account of the cast is not asked for here."""
    return begun.begin(user_id, "a hash", browser, at=at)[0]


def send(user_id, browser=HOME, at=NOON):
    """The sign-in begun, and the code that leaves for it."""
    sign_in = begin(user_id, browser)
    return sign_in, begun.new_code(sign_in, device_of(user_id).pk, at=at)


def device_of(user_id):
    return ContactDevice.objects.get(user_id=user_id)


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_code_serves_once(camille):
    sign_in, code = send(camille)
    assert len(code) == 6

    begun.use_code(sign_in, f" {code[:3]} {code[3:]} ", at=SOON)

    with pytest.raises(CodeExpired):
        begun.use_code(sign_in, code, at=SOON)


def test_a_code_is_never_kept_in_clear(camille):
    _, code = send(camille)

    kept = SignIn.objects.get(user_id=camille)

    assert len(bytes(kept.code_mac)) == 32
    assert code.encode() not in bytes(kept.code_mac) + bytes(kept.id_mac) + bytes(kept.password_mac)


def test_a_code_dies_after_five_minutes(camille):
    sign_in, code = send(camille)

    with pytest.raises(CodeExpired):
        begun.use_code(sign_in, code, at=LATE)
    with pytest.raises(CodeExpired):
        begun.use_code(sign_in, code, at=SOON)


def test_a_code_bears_five_tries(camille):
    sign_in, code = send(camille)

    for left in (4, 3, 2, 1):
        with pytest.raises(WrongCode) as told:
            begun.use_code(sign_in, another(code), at=SOON)
        assert told.value.tries_left == left
    with pytest.raises(NoTriesLeft):
        begun.use_code(sign_in, another(code), at=SOON)

    with pytest.raises(NoTriesLeft):
        begun.use_code(sign_in, code, at=SOON)


def test_a_code_of_one_sign_in_opens_no_other(camille):
    _, code = send(camille)
    elsewhere = begin(camille, ELSEWHERE)

    with pytest.raises(CodeExpired):
        begun.use_code(elsewhere, code, at=SOON)


def test_what_is_begun_elsewhere_takes_nothing_from_the_code_in_hand(camille):
    sign_in, code = send(camille)
    for minute in range(4):
        elsewhere, _ = send(camille, ELSEWHERE, at=NOON + timedelta(minutes=minute))
        with pytest.raises(WrongCode):
            begun.use_code(elsewhere, "not it", at=NOON + timedelta(minutes=minute))

    begun.use_code(sign_in, code, at=SOON)


def test_a_new_code_waits_a_minute_and_replaces_the_old_one(camille):
    sign_in, first = send(camille)
    device_id = device_of(camille).pk

    with pytest.raises(TooSoon) as told:
        begun.new_code(sign_in, device_id, at=NOON + timedelta(seconds=59))
    assert told.value.again_at == NOON + timedelta(seconds=60)

    second = begun.new_code(sign_in, device_id, at=NOON + timedelta(seconds=60))
    if first != second:
        with pytest.raises(WrongCode):
            begun.use_code(sign_in, first, at=SOON)
    begun.use_code(sign_in, second, at=SOON)


def test_a_form_sent_again_goes_on_with_the_sign_in_it_began(camille):
    first = begun.begin(camille, "a hash", HOME, at=NOON)
    again = begun.begin(camille, "a hash", HOME, at=NOON + timedelta(minutes=4))
    late = begun.begin(camille, "a hash", HOME, at=NOON + timedelta(minutes=6))

    assert first == (again[0], True) == late
    assert again[1] is False


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
    _, code = send(camille)

    assert device_of(camille).verify_token(code) is False
