"""The whole house is lived in; then all that a thief would find in it is searched for its secrets."""

import random

from sandbox.population import BERNARD, CAMILLE, LEFEVRE, NADIA, TWO_PRACTICES
from sandbox.story import DEPOSITS
from tests.proof import copies, house, scanner, story
from tests.proof.browsers import OverTheWire
from tests.proof.figures import Sheet, megabytes
from tests.proof.processes import until
from tests.proof.scanner import Scanner, Secret
from tests.secrets.test_scanner import PLANTS

DONE = """
The whole house is started as a newcomer starts it, and lived in over HTTP: a patient opens her dossier
online, another is received at the counter and comes in with the printed password, a doctor signs in by Pro
Santé Connect, searches, is let in and deposits, others are refused, mistakes are typed. The demonstration's
own cast is there too. Then everything that could be carried away without the keys is searched: a dump of
the whole database, the files of PostgreSQL and its journals after a checkpoint, the content store, all that
Redis holds and every command it received (the messages of Celery among them), and the logs of every
process.

Each secret is looked for in UTF-8, UTF-16, Latin-1, hexadecimal, base64 at its three offsets, base32,
percent, JSON, HTML and escaped forms, reversed, in any case, with and without accents, with its digits in
groups; and inside whatever is compressed or encoded in a file.
"""


def test_a_stolen_house_names_nobody(tmp_path):
    var, thief = tmp_path / "v", tmp_path / "thief"
    thief.mkdir()
    with house.living(var) as home:
        overheard = copies.Overheard(home.var, thief / "redis-monitor")
        borrowed = home.borrowed("roy")
        agent = story.Agent(
            login=borrowed["login"], password=borrowed["password"], totp_secret=borrowed["totp_secret"]
        )
        play = story.Story(
            lambda: OverTheWire(home.address, **{"User-Agent": f"Mozilla ({story.ELISE.email})"}),
            var / "sandbox",
            agent,
            lambda: until(lambda: home.jobs_left() == 0, within=90, every=0.1),
        )
        for person in (CAMILLE, BERNARD):
            play.plant("NIR", person.nir)
            play.plant("birth name", person.birth_name)
            play.plant("given names", person.given_names[-1])
            play.plant("card number", person.vitale_serial)
            for cell in play.cells_of(person):
                play.plant("care line", cell)
        for who in (LEFEVRE, NADIA, TWO_PRACTICES):
            play.plant("professional's whole name", f"{who.given_name} {who.name}")
            play.plant("RPPS", who.rpps)
        for deposit in DEPOSITS:
            play.plant("title", deposit.title)
        play.told()
        overheard.stop()
        keys = copies.everything_in_redis(home.var, thief / "redis-content")
        copies.dump(home.var, "dmp", thief / "dump.sql")
        with home.superuser() as server:
            server.execute("CHECKPOINT")
    search = Scanner(play.secrets)
    planted, found, missed = scanner.self_test((*PLANTS, *_some(play.secrets)), random.Random(5).randbytes)

    # The sandbox is the outside world: its boxes hold what people received. Keys are what the thief lacks.
    hits = search.in_tree(thief, var, but=[var / "sandbox", var / "keys", var / "static", var / "run.log"])
    sent = Scanner([s for s in play.secrets if s.kind not in ("telephone", "e-mail")])
    in_messages = sent.in_bytes("\n".join(play.messages()).encode(), "messages")

    sheet = Sheet("secrets", "A copy without the keys names nobody", DONE)
    sheet.count("Secrets planted", len(play.secrets))
    sheet.count("Ways to write them that were looked for", len(search.forms))
    sheet.count("Files searched", search.files)
    sheet.count("Searched", megabytes(search.bytes))
    sheet.count("Compressed or encoded parts opened", search.opened)
    sheet.count("Keys in Redis", keys)
    sheet.count("**Found**", len(hits))
    sheet.count("Found in the messages sent to people", len(in_messages))
    sheet.count("Plants of the scanner's own, and found", f"{planted}, {found}")
    sheet.write()
    assert [str(hit) for hit in hits] == []
    assert [str(hit) for hit in in_messages] == []
    assert missed == []


def _some(secrets: list[Secret]) -> list[Secret]:
    return random.Random(6).sample(secrets, 8)
