"""What messages say."""

from __future__ import annotations

from typing import Any

import pytest

from heliotrope.notify.text import LONGEST, render, title
from heliotrope.records import Event

FACTS: dict[str, Any] = {
    "pipeline": "turning",
    "interval": ["2026-03-01T05:00Z", "2026-03-01T06:00Z"],
    "time": "2026-03-01T05:00Z",
    "reasons": ["one", "two"],
    "candidate": "tree",
    "previous": None,
    "score": 0.96777,
    "drifted": ["*", "x"],
    "rows": 0,
}


def said(event: Event, text: str, **more: Any) -> str:
    return render(event, {**FACTS, **more}, {event: text}, number=3)


def test_the_originals_words_can_be_had() -> None:
    assert said(Event.TRAINING, ":computer: [{time}]: TRAINING START!") == (
        ":computer: [2026-03-01T05:00Z]: TRAINING START!\n#3"
    )


def test_facts_are_shown_as_people_write_them() -> None:
    text = "{interval} {reasons} {score} {drifted} {previous} {rows} {{}}"
    assert said(Event.KEPT, text) == (
        "[2026-03-01T05:00Z, 2026-03-01T06:00Z) one; two 0.9678 all together, x - 0 {}\n#3"
    )


def test_braces_in_a_fact_are_no_template() -> None:
    assert said(Event.FAILURE, "{error}", error="{pipeline} {0.__class__}") == "{pipeline} {0.__class__}\n#3"


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_a_text_that_names_the_pipeline_and_the_time(event: Event) -> None:
    text = render(event, FACTS, {}, number=3)
    assert "turning" in text
    assert "2026-03-01T05:00Z" in text
    assert text.endswith("\n#3")


def test_the_first_champion_is_told_as_such_and_the_next_beside_whom_it_replaces() -> None:
    first = render(Event.PROMOTED, {**FACTS, "since": "2026-03-01T06:00Z", "actor": "heliotrope"}, {}, number=3)
    assert first == (
        "[2026-03-01T05:00Z] turning: tree is the first champion and serves from 2026-03-01T06:00Z (heliotrope): "
        "one; two\n#3"
    )
    later = render(Event.PROMOTED, {**FACTS, "previous": "line", "since": "2026-03-01T06:00Z"}, {}, number=3)
    assert "before it line" in later
    assert title(Event.PROMOTED, {**FACTS, "previous": "line"}) == "turning: promoted"
    assert title(Event.PROMOTED, FACTS) == "turning: first champion"


def test_a_long_text_is_cut_before_its_number() -> None:
    text = said(Event.FAILURE, "{error}", error="x" * 5000)
    assert len(text) == LONGEST
    assert text.endswith("x ...\n#3")


def test_a_message_that_may_have_arrived_says_so_and_one_for_many_says_for_how_many() -> None:
    text = render(Event.DRIFT, FACTS, {}, number=3, again=True, repeats=2)
    assert text.endswith("\n#3, sent again: nobody knows whether it arrived, said once for 3")
