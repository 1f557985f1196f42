"""There is always somebody new to open a dossier for, however many were opened."""

from sandbox.memory import Memory
from sandbox.newcomers import STILL_THERE, WAITING, Newcomers
from sandbox.population import everybody, inhabitants


def test_somebody_new_comes_each_time_a_card_was_read(tmp_path):
    memory = Memory(tmp_path, "newcomers", 0)
    newcomers, received = Newcomers(memory), []

    for _ in range(300):  # more than the town that everybody knows
        waiting = [slug for slug in newcomers.cards() if slug not in received]
        assert len(waiting) == WAITING
        received.append(waiting[0])
        newcomers.received(waiting[0])

    assert len(set(received)) == 300
    assert list(Newcomers(memory).cards())[:STILL_THERE] == received[-STILL_THERE:], "after a restart too"
    newcomers.received(received[-1])
    assert next(iter(newcomers.cards())) == received[-2], "a card read again brings nobody forward"


def test_the_insurer_knows_whoever_came(tmp_path):
    memory = Memory(tmp_path, "newcomers", 0)
    memory.write(400)
    newcomers = Newcomers(memory)

    for person in newcomers.cards().values():
        assert person not in everybody()
        assert newcomers.by_ins(person.ins) == person
    assert newcomers.by_ins(inhabitants(500)[-1].ins) is None


def test_two_thousand_people_have_a_number_each():
    people = inhabitants(2000)

    assert len({person.nir for person in people}) == len({person.slug for person in people}) == 2000
    assert inhabitants(240) == everybody()[-240:]
