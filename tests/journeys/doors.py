"""How each kind of person comes in."""

import re
from collections.abc import Callable

from sandbox.population import Person
from tests.journeys.visitors import Visitor

PASSWORD = "sept barques sous un pont 12"


def opens_online(visitor: Visitor, person: Person) -> None:
    """Every page of an opening, with the codes read in the box. Leaves one at the home of the new dossier."""
    world, phone = visitor.world, person.phone
    visitor.go("/ouvrir/")
    visitor.press("Commencer")
    visitor.answer(nir=person.nir)
    visitor.press("Continuer")
    visitor.answer(birth_name=person.birth_name, given_name=person.given_names[0])
    visitor.press("Continuer")
    year, month, day = person.birth_date[:4], person.birth_date[4:6], person.birth_date[6:]
    visitor.answer(birth_date_0=day, birth_date_1=month, birth_date_2=year)
    visitor.press("Continuer")
    visitor.answer(vitale_serial=person.vitale_serial)
    visitor.press("Continuer")
    visitor.press("Vérifier mon identité")
    visitor.tick("Par SMS")
    there = len(world.messages(phone))
    visitor.press("Recevoir mon code")
    visitor.answer(code=world.code(phone, after=there))
    visitor.press("Continuer")
    visitor.answer(password=PASSWORD, again=PASSWORD)
    visitor.press("Continuer")
    visitor.tick("Par SMS")
    visitor.answer(value=phone)
    there = len(world.messages(phone))
    visitor.press("M’envoyer un code")
    visitor.answer(code=world.code(phone, after=there))
    visitor.press("Continuer")
    visitor.follow("J’ai lu")
    visitor.tick("J’ai lu")
    visitor.press("Ouvrir mon dossier")


def signs_in(visitor: Visitor, login: str, password: str, phone: str) -> None:
    """A holder, with the code sent to their telephone."""
    there = len(visitor.world.messages(phone))
    visitor.go("/connexion/")
    visitor.look("connexion")
    visitor.answer(login=login, password=password)
    visitor.press("Continuer")
    visitor.look("connexion-code")
    visitor.answer(code=visitor.world.code(phone, after=there))
    visitor.press("Me connecter")


def chooses_a_password(visitor: Visitor) -> None:
    visitor.answer(password=PASSWORD, again=PASSWORD)
    visitor.press("Entrer dans mon dossier")


def as_camille(visitor: Visitor) -> Visitor:
    borrowed = visitor.world.house.borrowed("camille")
    return _once(
        visitor, "camille", lambda: signs_in(visitor, borrowed["login"], borrowed["password"], CAMILLE_PHONE)
    )


CAMILLE_PHONE = "0639981042"


def as_employee(visitor: Visitor, slug: str) -> Visitor:
    """An agent at a counter, or somebody of the team: a password, then the code of an application."""
    borrowed = visitor.world.house.borrowed(slug)

    def sign_in() -> None:
        visitor.go(borrowed["door"])
        visitor.look(f"{slug}-connexion")
        visitor.answer(login=borrowed["login"], password=borrowed["password"])
        visitor.press("Continuer")
        visitor.look(f"{slug}-code")
        visitor.answer(code=visitor.world.code_of_the_application(slug))
        visitor.press("Me connecter")

    return _once(visitor, slug, sign_in)


def as_professional(visitor: Visitor, name: str) -> Visitor:
    """By Pro Santé Connect."""

    def sign_in() -> None:
        visitor.go("/pro/connexion/")
        visitor.look("pro-connexion")
        visitor.press("S’identifier avec Pro Santé Connect")
        visitor.look("sandbox-psc")
        with visitor.page.expect_navigation():
            visitor.page.get_by_role("button", name=name).click()

    return _once(visitor, name, sign_in)


def _once(visitor: Visitor, who: str, sign_in: Callable[[], None]) -> Visitor:
    if who not in visitor.world.inside:
        sign_in()
        visitor.world.inside[who] = visitor.page.context.storage_state()
    return visitor


def opens_at_the_counter(visitor: Visitor, person: Person, *, phone: str = "", known: str = "") -> None:
    """From the carte Vitale to the sheet. `known` is a telephone of the insurer's, whose code is read aloud;
    `phone` another one, whose code does not arrive. Without either there is no access on the web."""
    visitor.go("/guichet/")
    visitor.look("guichet-carte")
    with visitor.page.expect_navigation():
        visitor.page.locator(f'button[value="{person.slug}"]').click()
    visitor.look("guichet-identite")
    visitor.press("sa carte d’identité")
    visitor.look("guichet-accord")
    visitor.tick("a dit oui")
    if known:
        there = len(visitor.world.messages(known))
        visitor.press(re.compile(f"{known[:2]} .. .. .. {known[-2:]}".replace("..", r"\*\*")))
        visitor.look("guichet-code")
        visitor.answer(code=visitor.world.code(known, after=there))
        visitor.press("Ouvrir le dossier et son accès")
    elif phone:
        visitor.unfold("Un autre téléphone ou e-mail")
        visitor.answer(other=phone)
        visitor.press("C’est le sien")
        visitor.press(re.compile("Le code n’arrive pas"))
    else:
        visitor.press(re.compile("Rien pour l’instant"))
