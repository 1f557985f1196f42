"""A counter agent who gives his own telephone in somebody's place, in a real browser, to the end: the visit,
the code on his telephone, the sheet, his own computer. He reads nothing; the person herself does."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import directory
from dossiers import waking
from jobs import queue
from sandbox.population import ELISE, FATOU, GASTON, JEANNINE, LUCETTE, NORA, PAULIN
from tests.portal.examining import examine

from .conftest import CPAM, PASSWORD, SECRET, sign_in_with_a_code, work
from .test_waking import messages

pytestmark = pytest.mark.browser

HIS_OWN = "0639987788"  # nobody else's in these tests: what it received is what he got
CHOSEN = "deux lampes au bord du fleuve 44"
INSIDE = ("home", "documents", "care", "traces", "people")
AGREEMENTS = {"jeannine": "letter", "nora": "letter", "gaston": "nothing known", "paulin": "silence"}
looked_at: set[str] = set()


class Somebody:
    """A person before a window, and all that they hold: what is printed, what their telephone received."""

    def __init__(self, seen, world):
        self.seen, self.page, self.world = seen, seen.page, world
        self.page.set_default_timeout(10_000)

    @property
    def words(self) -> str:
        return plain(self.page.inner_text("main"))

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.seen.house).partition("?")[0]

    def look(self, name: str) -> None:
        """Nothing wrong with the page on a telephone; once for each."""
        if name in looked_at:
            return
        looked_at.add(name)
        self.seen.picture(f"agent-{name}-390")
        examine(self.page)

    def press(self, words: str | re.Pattern[str]) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=words).first.click()

    def follow(self, words: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=words).first.click()

    def counter_code(self, to: str) -> str:
        work("notices.code")
        return re.search(r"Guichet : lisez.*?(\d{6})", messages(self.world, to)[0])[1]

    def home_code(self, to: str) -> str:
        work("notices.code")
        return re.search(r"(?<!\d)\d{6}(?!\d)", messages(self.world, to)[0])[0]

    # -- At the counter ----------------------------------------------------------------------------

    def receives(self, person) -> None:
        """From the carte Vitale to how to be reached, the insurer having answered if it does."""
        self.seen.open(reverse("counter:home"))
        self.look("card")
        with self.page.expect_navigation():
            self.page.locator(f'button[value="{person.slug}"]').click()
        work("dossiers.ask_contacts")
        self.look("identity")
        self.press("sa carte d’identité")
        if self.path.endswith("/accord/"):
            self.page.reload()
            self.page.locator(".choice label").filter(has_text="a dit oui").click()
            self.look(f"agreement-{AGREEMENTS.get(person.slug, 'known')}")

    def types(self, contact: str, whose: str = "C’est le sien") -> None:
        """A contact that the insurer did not give."""
        folded = self.page.locator("details").filter(has_text="Un autre téléphone ou e-mail")
        if folded.get_attribute("open") is None:
            folded.locator("summary").first.click()
        self.page.fill("#id_other", contact)
        self.press(whose)

    def types_own_and_its_code(self, own: str = HIS_OWN, whose: str = "C’est le sien") -> None:
        self.types(own, whose)
        self.look("code")
        self.page.fill("#id_code", self.counter_code(own))
        self.press(re.compile("^(Ouvrir le dossier|Continuer)"))

    def takes_the_sheet(self) -> tuple[str, str]:
        """What is printed, which he can copy before handing it over: login and password."""
        _, login, password = self.page.locator("dd.secret").all_inner_texts()
        return login, password

    # -- At home -----------------------------------------------------------------------------------

    def comes_home_with(self, sheet: tuple[str, str]) -> None:
        """The login and the password of the sheet, in this window."""
        self.seen.open(reverse("public:sign_in"))
        self.look("sign-in")
        self.page.fill("#id_login", sheet[0])
        self.page.fill("#id_password", sheet[1])
        self.press("Continuer")
        self.look("sign-in-code")

    def answers(self, code: str) -> None:
        self.page.fill("#id_code", code)
        self.press(re.compile("^(Me connecter|Continuer)$"))


def plain(words: str) -> str:
    return " ".join(words.replace("\u202f", " ").replace("\u00a0", " ").split())


def reads_nothing(somebody: Somebody, person) -> None:
    """Whatever page is asked for: one is sent to sign in, and not a word of the person."""
    hers = {person.birth_name, person.name, person.given_names[0], person.nir, person.birth_date_said}
    hers |= {given for given in (person.phone, person.email, person.address) if given}
    hers = {words.casefold() for words in hers}
    for page in INSIDE:
        somebody.seen.open(reverse(f"patient:{page}"))
        shown = somebody.page.content().casefold()
        assert somebody.path.startswith("/connexion/"), f"{page} shows itself: {somebody.words}"
        assert not [words for words in hers if words in shown]


def is_asleep(somebody: Somebody, person) -> None:
    """The page of an access asleep, and nothing behind it; nor do guesses open anything."""
    asleep = reverse("public:asleep")
    assert somebody.path == asleep, f"{somebody.path}: {somebody.words}"
    assert "Il manque un code." in somebody.words
    assert not re.search("document|soins|Bonjour|Bienvenue|Soignants|médicament", somebody.words)
    somebody.look(f"asleep-{AGREEMENTS.get(person.slug, 'known')}")
    shown = somebody.page.content().casefold()
    assert person.birth_name.casefold() not in shown and person.given_names[0].casefold() not in shown
    reads_nothing(somebody, person)
    somebody.seen.open(reverse("public:first_password"))
    assert somebody.path == asleep, "no password is chosen for an access asleep"


def comes_in(somebody: Somebody) -> None:
    """Whoever is awake chooses a password and reads the care history: what the agent was after."""
    assert somebody.path == reverse("public:first_password"), somebody.words
    reads_nothing_yet = somebody.seen.open(reverse("patient:care"))
    assert "/connexion/" in reads_nothing_yet.url, "the printed password alone opens nothing"
    somebody.seen.open(reverse("public:first_password"))
    somebody.look("first-password")
    somebody.page.fill("#id_password", CHOSEN)
    somebody.page.fill("#id_again", CHOSEN)
    somebody.press("Entrer dans mon dossier")
    somebody.seen.open(reverse("patient:care"))
    assert somebody.path == reverse("patient:care")
    assert "Médicaments" in somebody.words and somebody.page.locator(".entry").count() > 3


@pytest.fixture
def at_the_counter(window, world, roy):
    """The window of M. Roy, at his counter, on a screen as narrow as a telephone's."""
    with window(width=390, signed_in=roy) as seen:
        yield Somebody(seen, world)
        assert not [told for told in seen.complaints if "status of 4" not in told]


@pytest.fixture
def at_home(window, world):
    """Windows where nobody has signed in: his own computer, her telephone."""
    opened = []

    def somebody() -> Somebody:
        opened.append(window(width=390))
        return Somebody(opened[-1].__enter__(), world)

    yield somebody
    for one in opened:
        one.__exit__(None, None, None)


def imported() -> None:
    """The care history is in the dossier: there is something to read."""
    queue.work_due(20)


# Each case that is different for him --------------------------------------------------------------


SLEEPS = {
    "she is known, masked": (ELISE, HIS_OWN, "SMS au 06 ** ** ** 07"),
    "the insurer only writes to her": (JEANNINE, HIS_OWN, "Votre lettre arrive"),
    "his own is in her file since yesterday": (NORA, NORA.phone, "Votre lettre arrive"),
    "the insurer is silent": (PAULIN, HIS_OWN, "n’a pas répondu aujourd’hui"),
}


@pytest.mark.parametrize(("person", "own", "printed"), SLEEPS.values(), ids=SLEEPS)
def test_his_own_mobile_with_its_code_read_on_it_leads_to_an_access_asleep(
    at_the_counter, at_home, monkeypatch, person, own, printed
):
    roy = at_the_counter
    roy.receives(person)
    offered = roy.page.locator('button[name="contact"]').evaluate_all("all => all.map(one => one.innerText)")
    assert not [words for words in offered if own[-2:] in words], "his own is never offered as known"
    roy.types_own_and_its_code(own)
    assert printed in plain(roy.page.inner_text("body"))
    roy.look(f"sheet-{AGREEMENTS.get(person.slug, 'known')}")
    sheet, counter_code = roy.takes_the_sheet(), roy.counter_code(own)
    imported()

    his = at_home()
    his.comes_home_with(sheet)
    his.answers(counter_code)
    assert his.path == reverse("public:sign_in_code"), "the code of the counter opens no sign-in"
    his.answers(his.home_code(own))
    is_asleep(his, person)
    for guess in ("123 456 789", his.home_code(own) + "000"):
        his.answers(guess)
        assert his.path == reverse("public:asleep") and "Ce n’est pas ce code" in his.words
    his.look("asleep-wrong")
    received = len(messages(his.world, own))
    for day in range(3):
        his.press(re.compile("Je n’ai rien reçu|Envoyer le code"))
        assert re.search("Un code (va repartir|est déjà parti)", his.words)
        work("dossiers.send_wake_code", "notices.send", "notices.code")
        monkeypatch.setattr(waking, "BETWEEN_SENDINGS", timedelta(0))  # from then on, a day goes by each time
        his.look(f"asleep-again-{min(day, 1)}")
    assert his.path == reverse("public:asleep")
    reads_nothing(his, person)
    assert not re.search(r"\d{3} \d{3} \d{3}", " ".join(messages(his.world, own))), (
        "the nine digits go elsewhere"
    )
    assert len(messages(his.world, own)) == received


def test_a_contact_known_is_hers_whatever_he_does_with_its_button_and_with_the_sheet(at_the_counter, at_home):
    roy = at_the_counter
    received = len(messages(roy.world, HIS_OWN))
    roy.receives(ELISE)
    button = roy.page.get_by_role("button", name=re.compile(r"06 \*\* \*\* \*\* 07"))
    assert ELISE.phone not in roy.page.content() and ELISE.email not in roy.page.content()
    button.evaluate("(one, own) => { one.value = own }", HIS_OWN)  # he chooses another: there is none
    button.click()
    roy.page.wait_for_load_state()
    work("notices.code")
    assert "/accord/" in roy.path and "ne donne pas ce contact" in roy.words
    roy.look("agreement-forged")
    roy.press(re.compile(r"06 \*\* \*\* \*\* 07"))
    read_aloud = roy.counter_code(ELISE.phone)
    roy.page.fill("#id_code", read_aloud)
    roy.press("Ouvrir le dossier et son accès")
    roy.look("sheet-awake")
    sheet = roy.takes_the_sheet()
    imported()

    his = at_home()
    his.comes_home_with(sheet)
    for guess in (read_aloud, "000000"):
        his.answers(guess)
        assert his.path == reverse("public:sign_in_code")
    assert len(messages(his.world, HIS_OWN)) == received, "his telephone has received nothing"
    reads_nothing(his, ELISE)

    hers = at_home()
    hers.comes_home_with(sheet)
    hers.answers(hers.home_code(ELISE.phone))
    comes_in(hers)
    reads_nothing(his, ELISE)


def test_a_known_contact_that_he_says_silent_wakes_for_her_alone(at_the_counter, at_home):
    roy = at_the_counter
    roy.receives(LUCETTE)
    roy.press(re.compile(r"06 \*\* \*\* \*\* 76"))
    roy.press(re.compile("Le code n’arrive pas"))
    roy.look("sheet-first-code")
    sheet = roy.takes_the_sheet()
    imported()

    his = at_home()
    his.comes_home_with(sheet)
    his.follow("Demander un autre code")
    assert HIS_OWN[-2:] not in his.words
    reads_nothing(his, LUCETTE)

    hers = at_home()
    hers.comes_home_with(sheet)
    hers.answers(hers.home_code(LUCETTE.phone))
    comes_in(hers)


def test_an_access_asked_for_another_day_sleeps_as_the_first_day(at_the_counter, at_home):
    roy = at_the_counter
    roy.receives(FATOU)
    roy.press(re.compile("Rien pour l’instant"))
    assert roy.page.locator(".secret").count() == 1, "a reference, and no secret"
    roy.look("receipt-no-access")
    imported()
    roy.receives(FATOU)
    roy.look("exists")
    roy.follow("Donner un accès par Internet")
    roy.look("agreement-later")
    roy.types_own_and_its_code()
    sheet = roy.takes_the_sheet()

    his = at_home()
    his.comes_home_with(sheet)
    his.answers(his.home_code(HIS_OWN))
    is_asleep(his, FATOU)

    work("dossiers.send_wake_code", "notices.send")
    [nine] = re.findall(r"\d{3} \d{3} \d{3}", messages(his.world, FATOU.phone)[0])
    assert not re.search(r"\d{3} \d{3} \d{3}", " ".join(messages(his.world, HIS_OWN)))
    his.answers(nine)  # she was asked for them, and gave them: that is what the message tells her not to do
    assert his.path == reverse("public:first_password"), "the walls of this test would see an access awake"


@pytest.mark.parametrize("person", [JEANNINE, GASTON], ids=["no letter wanted", "no safe address"])
def test_both_visits_by_himself_or_by_a_colleague_leave_him_with_no_access(
    at_the_counter, at_home, window, monkeypatch, person
):
    monkeypatch.setattr(waking, "SECOND_VISIT_AFTER", timedelta(0))  # the first visit was yesterday
    roy = at_the_counter
    roy.receives(person)
    if person is JEANNINE:
        roy.types(HIS_OWN, "Pas de lettre")
    else:
        roy.types_own_and_its_code()
    holds_no_secret(roy)
    roy.look("receipt-second-visit")
    imported()
    directory.provision_agent(
        login="l.blanc",
        name="Luc Blanc",
        structure=CPAM,
        at=timezone.now(),
        password=PASSWORD,
        totp_secret=SECRET,
    )
    with window(width=390, signed_in=sign_in_with_a_code("counter", "l.blanc")) as seen:
        for visitor in (roy, Somebody(seen, roy.world)):
            visitor.receives(person)
            visitor.follow("Donner un accès par Internet")
            visitor.look("agreement-second")
            visitor.types_own_and_its_code()
            holds_no_secret(visitor)
    his = at_home()
    his.seen.open(reverse("public:sign_in"))
    reads_nothing(his, person)


def holds_no_secret(somebody: Somebody) -> None:
    """He leaves the counter with a reference: nothing with which one signs in."""
    assert somebody.path.endswith("/fiche/"), somebody.words
    assert somebody.page.locator(".secret").count() == 1
    assert "Identifiant" not in somebody.words and "Mot de passe" not in somebody.words
    assert "Un second passage ailleurs ouvrira l’accès" in somebody.words
