"""Passwords people choose are slow to try; those that are printed need only be long."""

import math
import re
import threading
import time
import unicodedata

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from accounts import common_french, four_words, hashers, passwords
from accounts.hashers import Argon2id, First, first_password, matches
from accounts.logins import login_faults, suggest_login
from accounts.passwords import Personal, WeakPassword, hash_password


def test_a_chosen_password_is_kept_by_argon2id_with_19_mib(slow_passwords):
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


@pytest.fixture
def hers(keys):
    return Personal.of(
        names=["Camille", "Le Goff", "MOREAU", "Léa"],
        login="camille-482913",
        birth_date="19790304",
        contacts=["+33612345642", "camille.m79@exemple.fr"],
        nir="279035121518989",
        card="50719330259",
    )


def faults(chosen, personal):
    """What is said against a password; nothing when it will do."""
    try:
        passwords.refuse_weak(chosen, personal)
    except WeakPassword as weak:
        return [fault.value for fault in weak.faults]
    return []


@pytest.mark.parametrize(
    ("chosen", "fault"),
    [
        ("court", "short"),
        ("a" * 129, "long"),
        ("279035121518989", "nir"),
        ("2 79 03 51 215 189 89", "nir"),
        ("mon n° 27903.51.215.189", "nir"),
        ("1 80 04 12 115 003 77", "nir"),  # somebody else's
        ("carte 507 193 302 59", "card"),
        ("50719330259-vitale", "card"),
        ("04/03/1979 soleil", "birth"),
        ("jardin 4.3.1979", "birth"),
        ("1979-03-04 tilleul", "birth"),
        ("chocolatine040379", "birth"),
        ("790304 chocolatine", "birth"),
        ("née le 4 mars 1979", "birth"),
        ("Quatre Mars au matin", "birth"),
        ("le 04mars on danse", "birth"),
        ("j'aime le 0612345642", "contact"),
        ("06.12.34.56.42 tilleul", "contact"),
        ("camille-m79 tilleul", "contact"),
        ("camille-482913 !", "login"),
        ("tilleul482913tilleul", "login"),
        ("c@m1lle dans la nuit", "login"),
        ("moreau-jardin-vert", "name"),
        ("Jardin de Léa l'été", "name"),
        ("uaerom jardin vert", "name"),
        ("MÖREAU jardin vert", "name"),
    ],
)
def test_what_others_know_of_somebody_makes_no_password_of_theirs(hers, chosen, fault):
    assert fault in faults(chosen, hers)


COMMON = (
    "motdepasse2024", "jetaimemonamour", "Juillet-2024!", "Juillet2024!!", "azertyuiop12",
    "azerty123456", "M0tDeP@sse2024", "marseille13013", "allezlom2024!", "toulouse31000",
    "doudoudoudou", "aaaaaaaaaaaa", "abcdefghijkl", "123456789012", "soleilsoleil", "Soleil!Soleil!",
    "bonjourbonjour", "papamaman1979", "1a2z3e4r5t6y", "aqwzsxedcrfv", "Printemps2025*",
    "nicolasmarie2010", "parissaintgermain", "motdepassemotdepasse", "jeanpierre1958!", "Password2024!",
    "Bonjour123456!", "jesuisbelle2020", "chienchat2024", "vivelafrance2024", "famille2024ete",
    "jetaimemamanpapa", "mamanjetaime", "monmotdepasse1", "motdepasse!!!!", "Azerty!12345",
    "loulou250379!", "jeTaimeMonAmour!", "Marseille-2024", "Decembre_2023", "qsdfghjklm12",
    "tintinetmilou", "poussin060606", "jetaimemonchat", "août-septembre", "lavieestbelle!",
    "Novembre.2025.", "éléphant2024!",
)  # fmt: skip


@pytest.mark.parametrize("chosen", COMMON)
def test_what_many_people_choose_is_refused(chosen):
    assert faults(chosen, Personal()) in (["common"], ["guessed"])


def test_what_leaked_and_was_published_is_refused():
    leaked = common_french.published(passwords.SHORTEST)

    assert len(leaked) > 300
    assert {each for each in leaked if faults(each, Personal()) == []} == set()
    assert faults("Total12Scherz", Personal()) == ["common"]


def test_the_most_common_passwords_made_long_as_people_do_are_refused():
    """Few of them have twelve characters: they are written twice or more, or with a row of digits."""
    most_common = FREQUENCY_LISTS["passwords"][:3000:40]
    long_enough = [
        next(form for form in (short * 2, short * 3, f"{short}123456789") if len(form) >= 12)
        for short in most_common
    ]

    assert {each for each in long_enough if faults(each, Personal()) == []} == set()


@pytest.mark.parametrize(
    "chosen",
    [
        "quatre tortues dansent",
        "Ær0drøme-à-vélo!",
        "🐢🐢 sur le périphérique 🐢",
        "sept mirabelles au soleil",
        "mes deux poules pondent le lundi",
        "j'ai mangé une pomme rouge hier",
        "k3#vQ!9zTp@x",
        "éléphant gréé là-bas",
        unicodedata.normalize("NFD", "éléphant gréé là-bas"),
        "   espaces   au bord   ",
        "748205931846201957",  # digits alone, if nobody knows them
    ],
)
def test_any_character_may_make_a_password(hers, chosen):
    assert faults(chosen, hers) == []


def test_an_accent_typed_as_one_sign_or_as_two_is_the_same():
    composed, parted = (unicodedata.normalize(form, "éléphant gréé là-bas") for form in ("NFC", "NFD"))
    assert composed != parted

    assert matches(parted, hash_password(composed))
    assert matches(composed, hash_password(parted))


def test_a_password_kept_as_it_was_typed_still_opens():
    parted = unicodedata.normalize("NFD", "éléphant gréé là-bas")
    kept = Argon2id().encode(parted, "0123456789abcdef")

    assert matches(parted, kept)


def test_the_length_is_that_of_what_is_kept():
    assert faults(unicodedata.normalize("NFD", "éééééé"), Personal())[0] == "short"


def test_four_words_drawn_are_worth_44_bits_and_always_do(hers):
    assert math.log2(len(four_words.words())) * four_words.HOW_MANY >= 44
    assert len(set(four_words.words())) == len(four_words.words())
    assert all(re.fullmatch(r"[a-zàâäçéèêëîïôöùûüœ]+", word) for word in four_words.words())
    drawn = [passwords.propose(hers) for _ in range(50)]
    assert all(faults(" ".join(words), hers) == [] for words in drawn)
    assert len(set(drawn)) == 50


HOSTILE = ("Ab1!" * 32, "a" * 128, "azerty" * 21, "1" * 128, "mdp" * 42, "é" * 128, "01/01/1970" * 12)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_looking_at_a_password_costs_little_whatever_it_is(hers, hostile):
    """Nobody keeps a thread busy with a clever one. CPU: what else the machine does is no matter."""
    faults("all is loaded before the clock starts", hers)
    began = time.process_time()

    faults(hostile, hers)

    assert time.process_time() - began < 0.5


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
