"""Passwords people choose are slow to try; those that are printed need only be long."""

import math
import threading
import time

import pytest

from accounts import hashers
from accounts.hashers import Argon2id, First, first_password, matches
from accounts.logins import login_faults, suggest_login
from accounts.passwords import hash_password, password_faults


def test_a_chosen_password_is_kept_by_argon2id_with_19_mib():
    encoded = hash_password("quatre tortues dansent")

    assert "argon2id$v=19$m=19456,t=2,p=1" in encoded
    assert matches("quatre tortues dansent", encoded)
    assert not matches("quatre tortues dorment", encoded)


@pytest.mark.django_db
def test_a_printed_password_has_80_bits_and_is_typed_as_one_likes():
    printed = first_password()
    encoded = First().encode(printed, "salt")

    assert (len(printed) - 3) * math.log2(len(hashers.READABLE)) >= 80
    assert matches(printed.lower().replace("-", " "), encoded)
    assert not matches(printed[:-1] + ("A" if printed[-1] != "A" else "B"), encoded)
    assert printed.replace("-", "") not in encoded


@pytest.mark.parametrize("encoded", [None, "first$salt$00", "argon2"])
def test_whatever_is_kept_one_argon2id_is_run(encoded, monkeypatch):
    runs = []
    monkeypatch.setattr(Argon2id, "encode", lambda self, password, salt: runs.append(1))
    monkeypatch.setattr(Argon2id, "verify", lambda self, password, encoded: bool(runs.append(1)))
    kept = "argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA" if encoded == "argon2" else encoded

    assert not matches("anything", kept)
    assert runs == [1]


@pytest.fixture
def slow_hashing(monkeypatch):
    """Hashing that takes a moment; the list holds how many ran at once, each time."""
    now, seen = [0], []

    def slow(*_):
        now[0] += 1
        seen.append(now[0])
        time.sleep(0.05)
        now[0] -= 1
        return "encoded"

    monkeypatch.setattr(hashers.Argon2PasswordHasher, "encode", slow)
    return seen


def hash_in_threads(count, act):
    refused = []

    def run():
        try:
            act()
        except hashers.HashingBusy:
            refused.append(1)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(refused)


def test_a_storm_of_passwords_leaves_a_thread_to_the_rest_of_the_house(slow_hashing):
    """A process has four threads: two hash, one waits, and whoever comes next is told at once."""
    refused = hash_in_threads(8, lambda: Argon2id().encode("p", "salt"))

    assert max(slow_hashing) == hashers.AT_ONCE == 2
    assert len(slow_hashing) + refused == 8
    assert refused >= 8 - 2 * (hashers.AT_ONCE + 1)


def test_who_is_known_waits_for_a_place_and_gets_it(slow_hashing):
    def known():
        with hashers.ahead_of_the_line():
            Argon2id().encode("p", "salt")

    assert hash_in_threads(8, known) == 0
    assert max(slow_hashing) == hashers.AT_ONCE


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ("court", "il en manque 7"),
        ("a" * 129, "au plus 128"),
        ("camille-moreau-1979", "sans votre nom"),
        ("motdepasse123", "se devine trop vite"),
        ("aaaaaaaaaaaaaaaa", "se devine trop vite"),
    ],
)
def test_a_weak_password_is_told_why(chosen, sentence):
    assert sentence in " ".join(password_faults(chosen, personal=("Camille Moreau", "cmoreau31")))


@pytest.mark.parametrize(
    "chosen", ["quatre tortues dansent", "Ær0drøme-à-vélo!", "🐢🐢 sur le périphérique 🐢"]
)
def test_any_character_may_make_a_password(chosen):
    assert password_faults(chosen, personal=("Camille Moreau",)) == []


@pytest.mark.parametrize(
    ("login", "sentence"),
    [
        ("court", "au moins 8"),
        ("camille@exemple.fr", "adresse électronique"),
        ("camille moreau", "lettres sans accent"),
        ("279035121518989", "sécurité sociale"),
    ],
)
def test_a_login_is_neither_an_address_nor_a_nir(login, sentence):
    assert sentence in " ".join(login_faults(login))


def test_a_suggested_login_will_do():
    for given_name in ("Camille", "Éloïse", "", "王"):
        assert login_faults(suggest_login(given_name)) == []
