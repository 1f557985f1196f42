"""A story told through the pages, in which everything that must stay secret is said at least once."""

import html
import io
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import pikepdf
import requests
from django.utils import timezone
from pikepdf import Dictionary, Name

from documents import nomenclature
from history import cnam_hr
from history.importing import MONTHS, months_before
from sandbox import statements, totp
from sandbox.box import Box
from sandbox.memory import Memory
from sandbox.population import ANGE, ELISE, LEFEVRE, PHARMACIST, Person
from tests.proof.browsers import Answer, Browser, Upload
from tests.proof.scanner import Secret

TITLE = "Glossodynie paroxystique nocturne"
WORDS = "Le prurit ubuesque de la malleole resiste au calomel"
FILE_NAME = "bilan-odonto-quincailler.pdf"
LOGIN, PASSWORD = "elise.funambule", "sept mirabelles dans un parapluie"
HIS_PASSWORD = "quatorze hirondelles sous la treille"
NEVER_EXISTED = ("Quincampoix-Villebois", "zephirin.lantern", "ce mot de passe est faux 77")
AGENT_LOGIN, AGENT_NAME = "h.quatremere", "Hippolyte Quatremère"
AGENT_PASSWORD, AGENT_SECRET = "boussole ardoise pluvier 31", b"vingt octets de TOTP"
PATIENCE = 60
TOO_LARGE_FOR_A_ROW = 90_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    login: str
    password: str
    totp_secret: str  # base32


@dataclass
class Story:
    """Who acts, in which browser, with which outside world. `working` does, or waits for, what is due."""

    browser: Callable[[], Browser]
    memory: Path  # of the sandbox
    agent: Agent
    working: Callable[[], object]
    secrets: list[Secret] = field(default_factory=list)
    pages: dict[str, Answer] = field(default_factory=dict)

    def told(self) -> None:
        self.plant_what_is_known()
        elise = self.elise_opens_her_dossier()
        sheet = self.ange_is_received_at_the_counter()
        self.working()
        self.ange_comes_with_the_printed_password(sheet)
        dossier = self.the_doctor_is_let_in_and_deposits()
        self.working()
        self.she_reads_everything(elise)
        self.others_are_refused(dossier)
        self.working()

    def plant_what_is_known(self) -> None:
        for person in (ELISE, ANGE):
            self.plant("NIR", person.nir)
            self.plant("birth name", person.birth_name)
            self.plant("given name", person.given_names[0])
            self.plant("telephone", person.phone or "")
            self.plant("e-mail", person.email or "")
            self.plant("card number", person.vitale_serial)
            self.plant("birth date", person.birth_date_said)
            for cell in self.cells_of(person):
                self.plant("care line", cell)
        for professional in (LEFEVRE, PHARMACIST):
            self.plant("professional's name", professional.name)
            self.plant("professional's whole name", f"{professional.given_name} {professional.name}")
            self.plant("RPPS", professional.rpps)
            self.plant("structure", professional.practices[0].structure.name)
        self.plant("agent's name", AGENT_NAME)
        for kind, value in (
            ("title", TITLE),
            ("content", WORDS),
            ("file name", FILE_NAME.removesuffix(".pdf")),
            ("login", LOGIN),
            ("password", PASSWORD),
            ("password", HIS_PASSWORD),
            ("agent's login", self.agent.login),
            ("agent's password", self.agent.password),
            ("TOTP secret", self.agent.totp_secret),
            *(("something typed in vain", value) for value in NEVER_EXISTED),
        ):
            self.plant(kind, value)

    def plant(self, kind: str, value: str) -> None:
        if value and all(value != known.value for known in self.secrets):
            self.secrets.append(Secret(kind, value))

    @staticmethod
    def cells_of(person: Person) -> list[str]:
        """A few of the things reimbursed, in the insurer's words."""
        today = timezone.localdate()
        sent = cnam_hr.read(statements.write(person, since=months_before(today, MONTHS), until=today))
        cells = {
            cell for section in sent.sections for line in section.lines for cell in line if len(cell) > 14
        }
        return sorted(cell for cell in cells if "\n" not in cell)[:12]

    # -- Scenes ------------------------------------------------------------------------------------

    def elise_opens_her_dossier(self) -> Browser:
        elise = self.browser()
        born = ELISE.birth_date
        for path, fields in (
            ("/ouvrir/", {}),
            ("/ouvrir/numero/", {"nir": ELISE.nir}),
            ("/ouvrir/nom/", {"birth_name": ELISE.birth_name, "given_name": ELISE.given_names[0]}),
            (
                "/ouvrir/naissance/",
                {"birth_date_jour": born[6:], "birth_date_mois": born[4:6], "birth_date_annee": born[:4]},
            ),
            ("/ouvrir/carte/", {"vitale_serial": ELISE.vitale_serial}),
        ):
            self.expect(elise.post(path, fields), 302)
        asked = self.expect(elise.post("/ouvrir/relire/", {}), 302, "/ouvrir/envoi/")
        contacts = re.findall(r'name="contact" value="([^"]+)"', elise.get(asked.location).text)
        since = timezone.now()
        self.expect(elise.post("/ouvrir/envoi/", {"contact": contacts[0]}), 302, "/ouvrir/code/")
        self.expect(elise.post("/ouvrir/code/", {"code": self.code(since)}), 302, "/ouvrir/acces/")
        chosen = {"login": LOGIN, "password": PASSWORD, "again": PASSWORD}
        self.expect(elise.post("/ouvrir/acces/", chosen), 302, "/ouvrir/joindre/")
        since = timezone.now()
        reached = {"channel": "courriel", "value": ELISE.email or ""}
        self.expect(elise.post("/ouvrir/joindre/", reached), 302, "/ouvrir/joindre/code/")
        self.expect(
            elise.post("/ouvrir/joindre/code/", {"code": self.code(since)}), 302, "/ouvrir/information/"
        )
        self.expect(elise.get("/ouvrir/information/"), 200)
        agreed = {"agreed": "on", "break_glass": "on", "regulation": "on"}
        self.expect(elise.post("/ouvrir/accord/", agreed), 302, "/mon-dmp/")
        self.plant("session identifier", elise.cookies()["session"])
        return elise

    def ange_is_received_at_the_counter(self) -> str:
        agent = self.browser()
        typed = {"login": self.agent.login, "password": self.agent.password}
        self.expect(agent.post("/guichet/connexion/", typed), 302, "/guichet/connexion/code/")
        code = totp.code(self.agent.totp_secret, time.time())
        self.expect(agent.post("/guichet/connexion/code/", {"code": code}), 302, "/guichet/")
        visit = self.expect(agent.post("/guichet/carte/", {"carte": ANGE.slug}), 302).location
        asked = self.expect(agent.post(visit, {"piece": "ID_CARD"}), 302).location
        self.working()
        page = self.expect(agent.get(asked), 200).text
        contact = re.search(r'name="contact" value="([^"]+)"', page)
        assert contact is not None, "the insurer did not answer in time"
        answers = {"agreed": "on", "regulation": "on", "contact": contact[1]}
        since = timezone.now()
        read = self.expect(agent.post(asked, answers), 302).location
        aloud = {"code": self.code(since)}
        sheet = self.expect(agent.get(self.expect(agent.post(read, aloud), 302).location), 200)
        secrets = [html.unescape(one) for one in re.findall(r'class="secret"[^>]*>([^<]+)<', sheet.text)]
        password = next(one for one in secrets if re.fullmatch(r"([A-Z2-9]{4}-){3}[A-Z2-9]{4}", one))
        login = next(one for one in secrets if re.fullmatch(r"[a-z-]+-\d{6}", one))
        self.plant("printed login", login)
        self.plant("printed password", password)
        self.plant("session identifier", agent.cookies()["session"])
        return f"{login} {password}"

    def ange_comes_with_the_printed_password(self, sheet: str) -> None:
        login, password = sheet.split()
        ange = self.browser()
        since = timezone.now()
        self.expect(ange.post("/connexion/", {"login": login, "password": password}), 302, "/connexion/code/")
        first = self.expect(ange.post("/connexion/code/", {"code": self.code(since)}), 302)
        chosen = {"password": HIS_PASSWORD, "again": HIS_PASSWORD}
        self.expect(ange.post(first.location, chosen), 302, "/mon-dmp/")
        self.plant("session identifier", ange.cookies()["session"])

    def the_doctor_is_let_in_and_deposits(self) -> str:
        doctor = self.professional("lefevre")
        by_name = {"par": "nom", "birth_name": NEVER_EXISTED[0], "birth_date": ELISE.birth_date_said}
        self.expect(doctor.post("/pro/", by_name), 200)
        found = self.expect(doctor.post("/pro/", {"par": "numero", "ins": ELISE.nir}), 200)
        (dossier,) = {
            link.removesuffix("accord/") for link in found.links(r"/pro/dossiers/[0-9a-f-]{36}/accord/")
        }
        self.expect(doctor.post(f"{dossier}accord/", {}), 302, dossier)
        filed = doctor.post(
            f"{dossier}deposer/",
            {
                "type": nomenclature.DEPOSITABLE["11488-4"].label,
                "created_on": f"{timezone.localdate():%d/%m/%Y}",
                "title": TITLE,
                "shown_to_professionals": "oui",
                "shown_to_holder": "oui",
            },
            Upload("content", FILE_NAME, pdf(WORDS)),
        )
        self.expect(filed, 302)
        self.working()
        shelf = self.expect(doctor.get(dossier), 200)
        assert TITLE in shelf.text
        read = self.expect(doctor.get(shelf.links(rf"{dossier}documents/[0-9a-f-]{{36}}/")[0]), 200)
        self.pages["what the doctor reads"] = read
        self.plant("session identifier", doctor.cookies()["session"])
        return dossier

    def she_reads_everything(self, elise: Browser) -> None:
        for name, path in (
            ("documents", "/mon-dmp/documents/"),
            ("care history", "/mon-dmp/soins/"),
            ("accesses", "/mon-dmp/acces/"),
            ("people", "/mon-dmp/soignants/"),
        ):
            self.pages[name] = self.expect(elise.get(path), 200)
        for link in self.pages["documents"].links(r"/mon-dmp/documents/[0-9a-f-]{36}/"):
            for part in ("", "page/1/", "fichier/"):
                assert elise.get(link + part).status in (200, 302)

    def others_are_refused(self, dossier: str) -> None:
        pharmacist = self.professional("pharmacienne")
        assert pharmacist.get(dossier).status in (302, 403, 404)
        stranger = self.browser()
        self.expect(
            stranger.post("/connexion/", {"login": NEVER_EXISTED[1], "password": NEVER_EXISTED[2]}), 200
        )
        # What a clumsy page or a curious person puts in an address or a header must not be kept either.
        stranger.get(f"/aide/?nir={ELISE.nir}&nom={quote(ELISE.birth_name)}")
        stranger.get(f"/mon-dmp/{ELISE.nir}/")
        stranger.post("/ouvrir/numero/", {"nir": ELISE.nir + "9"})

    # -- How ---------------------------------------------------------------------------------------

    def professional(self, slug: str) -> Browser:
        browser = self.browser()
        asked = self.expect(browser.post("/pro/psc/", {}), 302)
        chosen = requests.post(asked.location, data={"professional": slug}, allow_redirects=False, timeout=20)
        back = urlsplit(chosen.headers["Location"])
        self.expect(browser.get(f"{back.path}?{back.query}"), 302, "/pro/")
        return browser

    def code(self, since: datetime) -> str:
        """The code that arrived last, since then."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for message in Box(Memory(self.memory, "box", [])).messages():
                if message.code and message.moment >= since:
                    return message.code
            self.working()
            time.sleep(0.05)
        raise AssertionError("no code arrived")

    @staticmethod
    def expect(answer: Answer, status: int, location: str | None = None) -> Answer:
        assert answer.status == status, f"{answer.status} {answer.location}\n{answer.text[-3000:]}"
        if location is not None:
            assert answer.location.partition("?")[0] == location, f"{answer.location}\n{answer.text[-3000:]}"
        return answer

    def messages(self) -> list[str]:
        """Every text that was sent to anybody."""
        return [f"{one.subject}\n{one.text}" for one in Box(Memory(self.memory, "box", [])).messages()]


def pdf(words: str) -> bytes:
    """One page that says these words, in a file too large to be kept in the database."""
    made = pikepdf.new()
    font = made.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    page = made.add_blank_page(page_size=(595, 842))
    page.Resources = Dictionary(Font=Dictionary(F1=font))
    page.Contents = made.make_stream(f"BT /F1 18 Tf 60 780 Td ({words}) Tj ET".encode("cp1252"))
    made.Root.Padding = made.make_stream(random.Random(words).randbytes(TOO_LARGE_FOR_A_ROW))
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()
