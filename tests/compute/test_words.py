from __future__ import annotations

from tests.compute.moving import rows
from zhicheng.compute.rows import Rows
from zhicheng.compute.state import Keyed
from zhicheng.compute.words import COLUMNS, Words


def words() -> Words:
    return Words(Keyed(**COLUMNS), {}, ("trip", "stop"), ("sequence",))


def told(known: Words, said: Rows) -> list[tuple[dict[str, str], dict[str, str]]]:
    wide = said.wide("trip", "stop", "sequence")
    return [
        (dict(before), dict(now))
        for lines in wide.rounds()
        for _, before, now in known.news(wide, lines, known.things.slots(wide.rows.entity.take(lines)))
    ]


def test_only_other_words_are_news() -> None:
    known = words()
    first = (1, "bus", "trip", "t1", 0), (1, "bus", "stop", "a", 0)
    assert told(known, rows(*first)) == [({}, {"trip": "t1", "stop": "a"})]
    assert told(known, rows(*first)) == []
    assert told(known, rows((2, "bus", "stop", "b", 1))) == [({"trip": "t1", "stop": "a"}, {"trip": "t1", "stop": "b"})]
    assert known["bus"] == {"trip": "t1", "stop": "b"}


def test_a_number_makes_a_report_new_and_is_not_remembered() -> None:
    known = words()
    for number, news in ((1, 1), (1, 0), (2, 1)):
        said = rows((1, "bus", "stop", "a", number), (1, "bus", "sequence", number, number))
        assert len(told(known, said)) == news
    assert known["bus"] == {"stop": "a"}


def test_who_says_a_word_is_asked_again_and_what_is_forgotten_is_new() -> None:
    known = words()
    report = rows((1, "bus", "trip", "t1", 0), (1, "tram", "trip", "t2", 0))
    told(known, report)
    assert known.saying("trip", "t1") == ["bus"] and known.saying("trip", "t9") == []
    assert told(known, report) == [({"trip": "t1"}, {"trip": "t1"})]
    known.forget(["bus", "unknown"])
    assert known["bus"] == {} and known["tram"] == {"trip": "t2"}
