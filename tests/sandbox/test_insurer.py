"""The Assurance Maladie of the sandbox follows the protocol that production follows."""

import time

import pytest
import requests

from sandbox.population import (
    ANGE,
    BERNARD,
    CAMILLE,
    CHLOE,
    ELISE,
    FATOU,
    HUGO,
    INES,
    JEAN_BAPTISTE,
    LEO,
    MARCEL,
    MARIE_OF_DIJON,
    SOPHIE,
    YVES,
    Insurer,
    Person,
)
from tests.sandbox.world import World


def traits_of(person: Person, **other: str) -> dict:
    traits = {
        "nom_naissance": person.birth_name,
        "prenom": person.given_names[0],
        "date_naissance": person.birth_date,
    }
    oid, value = person.ins
    return {
        "ins": {"oid": oid, "valeur": value},
        "traits": traits | other,
        "serie_vitale": person.vitale_serial,
    }


def history_of(person: Person, since: str = "2024-11-21") -> dict:
    oid, value = person.ins
    return {"ins": {"oid": oid, "valeur": value}, "depuis": since}


@pytest.mark.parametrize("person", [CAMILLE, ANGE, FATOU], ids=lambda person: person.slug)
def test_somebody_who_matches_is_given_masked_contacts(world: World, person):
    answer = world.ask("verifications", traits_of(person))

    assert answer.status_code == 200
    channels = [contact["canal"] for contact in answer.json()["contacts"]]
    assert channels == ["sms", *(["courriel"] if person.email else []), "courrier"]
    assert person.phone not in answer.text
    assert answer.json()["contacts"][0]["masque"] == f"06 ** ** ** {person.phone[-2:]}"
    traits = answer.json()["traits"]
    assert (traits["nom_naissance"], traits["prenoms"]) == (person.birth_name, list(person.given_names))
    assert (traits["lieu_naissance"], traits["sexe"]) == (person.birth_place, person.sex)


def test_capitals_accents_and_hyphens_do_not_matter(world: World):
    told = traits_of(ANGE, nom_naissance="COLONNA D'ISTRIA", prenom="ange toussaint")

    assert world.ask("verifications", told).status_code == 200


def nobody() -> list:
    oid, _ = CAMILLE.ins
    return [
        pytest.param(traits_of(LEO), id="a minor"),
        pytest.param(traits_of(MARCEL), id="a deceased person"),
        pytest.param(
            traits_of(CAMILLE) | {"ins": {"oid": oid, "valeur": "279033155591386"}}, id="an unknown number"
        ),
        pytest.param(
            traits_of(CAMILLE) | {"ins": {"oid": "1.2.250.1.213.1.4.8", "valeur": CAMILLE.nir}},
            id="a real OID",
        ),
        pytest.param(traits_of(CAMILLE) | {"serie_vitale": "50482913707"}, id="another card"),
        pytest.param(traits_of(CAMILLE, nom_naissance="Aubrey"), id="another name"),
        pytest.param(traits_of(CAMILLE, date_naissance="19790329"), id="another birth date"),
    ]


@pytest.mark.parametrize("told", nobody())
def test_whoever_does_not_match_gets_one_and_the_same_answer(world: World, told):
    answer = world.ask("verifications", told)

    assert answer.status_code == 404
    assert answer.json() == {"error": "no_match", "error_description": "No insured person matches."}


def test_recognised_or_not_the_answer_takes_the_same_time(world: World):
    def seconds(told: dict) -> float:
        started = time.monotonic()
        world.ask("verifications", told)
        return time.monotonic() - started

    durations = [
        min(seconds(told) for _ in range(3))
        for told in (traits_of(CAMILLE), traits_of(LEO), traits_of(MARCEL))
    ]

    assert min(durations) >= 0.25
    assert max(durations) - min(durations) < 0.15


@pytest.mark.parametrize(
    ("channel", "arrives"), [("sms", "SMS"), ("courriel", "Courriel"), ("courrier", "Courrier")]
)
def test_a_code_is_delivered_at_once_to_the_chosen_contact(world: World, channel, arrives):
    opened = world.ask("verifications", traits_of(ELISE)).json()
    contact = next(contact["id"] for contact in opened["contacts"] if contact["canal"] == channel)

    answer = world.ask(f"verifications/{opened['id']}/codes", {"contact": contact, "code": "408173"})

    assert answer.status_code == 202
    newest = world.box().partition("<article")[2].partition("</article>")[0]
    assert f"{arrives} pour Élise Garnier" in newest
    assert "408173" in newest


def test_a_code_goes_nowhere_without_a_verification(world: World):
    opened = world.ask("verifications", traits_of(ELISE)).json()
    contact = opened["contacts"][0]["id"]

    assert (
        world.ask("verifications/invented/codes", {"contact": contact, "code": "408173"}).status_code == 404
    )
    path = f"verifications/{opened['id']}/codes"
    assert world.ask(path, {"contact": "invented", "code": "408173"}).status_code == 404
    assert world.ask(path, {"contact": contact, "code": "12345"}).status_code == 422


def test_somebody_without_telephone_nor_mail_is_reached_by_post_only(world: World):
    opened = world.ask("verifications", traits_of(BERNARD)).json()

    assert [contact["canal"] for contact in opened["contacts"]] == ["courrier"]


def test_nothing_is_said_without_the_token(world: World):
    assert world.ask("verifications", traits_of(CAMILLE), token="other").status_code == 401
    assert world.ask("historiques", history_of(CAMILLE), token="").status_code == 401


def test_a_request_that_lacks_something_is_told_so(world: World):
    answer = world.ask("verifications", {"ins": {"oid": "1.2.250.1.213.1.4.10"}})

    assert answer.status_code == 400
    assert answer.json()["error_description"] == "ins.valeur is missing."
    assert world.ask("historiques", history_of(CAMILLE, since="hier")).status_code == 400


def test_a_history_is_a_care_statement_about_the_person(world: World):
    answer = world.ask("historiques", history_of(CAMILLE))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/xml"
    assert CAMILLE.nir in answer.text
    assert "1.2.250.1.213.1.1.1.36" in answer.text


def test_an_unchanged_history_is_not_sent_again(world: World):
    etag = world.ask("historiques", history_of(CAMILLE)).headers["ETag"]

    again = world.ask("historiques", history_of(CAMILLE), **{"If-None-Match": etag})
    longer = world.ask("historiques", history_of(CAMILLE, since="2024-01-01"), **{"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert longer.status_code == 200


def test_an_insurer_out_of_order_answers_at_the_third_request(world: World):
    answers = [world.ask("historiques", history_of(INES)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert int(answers[0].headers["Retry-After"]) > 0


def test_somebody_without_any_care_known_gets_nothing(world: World):
    answer = world.ask("historiques", history_of(JEAN_BAPTISTE))

    assert (answer.status_code, answer.content) == (204, b"")


def test_nothing_reimbursed_is_a_statement_all_the_same(world: World):
    answer = world.ask("historiques", history_of(HUGO))

    assert answer.status_code == 200
    assert HUGO.nir in answer.text
    assert len(answer.content) < len(world.ask("historiques", history_of(CAMILLE)).content)


def test_somebody_else_s_statement_is_really_about_somebody_else(world: World):
    answer = world.ask("historiques", history_of(SOPHIE))

    assert answer.status_code == 200
    assert SOPHIE.nir not in answer.text
    assert MARIE_OF_DIJON.nir in answer.text


def test_a_statement_may_be_cut_on_its_way(world: World):
    answer = world.ask("historiques", history_of(CHLOE))

    assert answer.status_code == 200
    assert not answer.text.rstrip().endswith("</ClinicalDocument>")


@pytest.mark.slow
def test_an_insurer_may_be_slow(world: World):
    started = time.monotonic()

    assert world.ask("historiques", history_of(YVES)).status_code == 200
    assert time.monotonic() - started > 5


def test_an_unknown_person_is_unknown(world: World):
    told = history_of(CAMILLE) | {"ins": {"oid": CAMILLE.ins[0], "valeur": "279033155591386"}}

    assert world.ask("historiques", told).status_code == 404


def test_one_chooses_how_the_insurer_answers(world: World):
    def choose(behaviour: str) -> int:
        form = {"person": ANGE.slug, "behaviour": behaviour}
        return requests.post(
            f"{world.url}/assureur/", data=form, timeout=5, allow_redirects=False
        ).status_code

    assert choose(Insurer.TOO_BUSY_ONCE) == 302
    statuses = [world.ask("historiques", history_of(ANGE)).status_code for _ in range(2)]
    assert statuses == [429, 200]
    assert choose("answers-nonsense") == 404
    assert choose(Insurer.ANSWERS) == 302
