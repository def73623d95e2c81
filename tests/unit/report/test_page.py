"""The page: complete, self-contained, and inert whatever the names."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from heliotrope.interval import Interval
from heliotrope.report.animation import animate
from heliotrope.report.confusion import Confusion
from heliotrope.report.frame import draw
from heliotrope.report.history import Asked, ChampionSpan, Fit, History, totals
from heliotrope.report.page import render, verdict
from heliotrope.report.reliability import Bin
from heliotrope.report.residuals import residuals
from heliotrope.report.scene import Scene
from heliotrope.report.slices import Slice
from unit.report.sample import HOUR, START, cycle, rows

Make = Callable[..., History]
VOID = {"meta", "img", "input", "br", "link", "source"}


class Page(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text of each kind."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def data(self) -> dict[str, Any]:
        found = json.loads(next(text for text in self.texts["script"] if text.startswith("{")))
        assert isinstance(found, dict)
        return found


def test_every_element_is_closed_and_every_id_is_given_once(make_history: Make) -> None:
    page = Page(render(make_history(6)))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_every_label_refers_to_something_that_is_there(make_history: Make) -> None:
    page = Page(render(make_history(6)))
    ids = {attrs.get("id") for _, attrs in page.elements}
    for _, attrs in page.elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert attrs.get(name) in {*ids, None}


def test_every_drawing_and_picture_has_a_text_in_its_place(make_history: Make) -> None:
    gif = animate([PNG])
    page = Page(render(make_history(6, animation=gif)))
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for attrs in page.all("svg"))
    assert len(page.all("img")) == 1
    assert all(attrs["alt"] for attrs in page.all("img"))


def test_the_table_has_headers_for_columns_and_rows(make_history: Make) -> None:
    page = Page(render(make_history(6)))
    scopes = [attrs.get("scope") for attrs in page.all("th")]
    assert scopes.count("row") == 6
    assert scopes.count("col") == 9
    assert len(page.all("td")) == 6 * 8


def test_nothing_is_fetched(make_history: Make) -> None:
    text = render(make_history(6, animation=animate([PNG]), frames=((cycle(0).interval, PNG),)))
    page = Page(text)
    for _, attrs in page.elements:
        for name in ("src", "srcset", "href", "action", "data", "poster"):
            assert (attrs.get(name) or "data:").startswith("data:")
    assert page.all("link") == []
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttp|import\(", text)


def test_the_policy_allows_the_pages_own_script_and_no_other(make_history: Make) -> None:
    page = Page(render(make_history(6)))
    policy = next(attrs["content"] for attrs in page.all("meta") if "content" in attrs and "http-equiv" in attrs)
    script = page.texts["script"][-1]
    assert policy is not None
    assert f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}" in policy
    assert "default-src 'none'" in policy
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)


HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'); alert(1); ('",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>",
    "한국 \u2028 \u202e & &amp;",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_wherever_it_comes(make_history: Make, name: str) -> None:
    row = {"champion": name, "challengers": {name: 0.9}, "drift": {name: 1.0}, "drifted": (name,), "reasons": (name,)}
    cycles = tuple(cycle(hour, **row) for hour in range(120))
    spans = (ChampionSpan(champion=name, start=START, end=None, reasons=(name,)),)
    plain = render(make_history(120, rows=tuple(cycle(hour) for hour in range(120))))
    text = render(make_history(120, pipeline=name, metric=name, rows=cycles, champions=spans, task="classification"))
    page = Page(text)
    assert len(page.all("script")) == 2
    assert len(page.all("img")) == 0
    assert not any(attr.startswith("on") for _, attrs in page.elements for attr in attrs)
    assert page.texts["h1"] == [name]
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in Page(plain).elements}
    assert page.data["rows"][0][1] == name
    assert page.data["rows"][0][6] == name


def test_the_json_cannot_end_its_element(make_history: Make) -> None:
    cycles = tuple(cycle(hour, champion="</script>") for hour in range(120))
    text = render(make_history(120, rows=cycles))
    body = text[text.index('id="data">') :]
    assert "<" not in body[len('id="data">') : body.index("</script>")]


def test_few_cycles_are_all_in_the_markup_and_many_in_pages(make_history: Make) -> None:
    few = Page(render(make_history(100)))
    assert few.data["rows"] == []
    many = Page(render(make_history(101)))
    assert len(many.data["rows"]) == 101
    assert [attrs.get("scope") for attrs in many.all("th")].count("row") == 100


def test_the_newest_cycle_comes_first(make_history: Make) -> None:
    page = Page(render(make_history(101)))
    assert page.data["rows"][0][0] == "2026-11-28 04:00"
    assert page.data["rows"][-1][0] == "2026-11-24 00:00"


def test_ten_thousand_cycles_of_twenty_features_stay_under_five_megabytes(make_history: Make) -> None:
    drift = {f"a feature of the {i}th kind, kolmogorov smirnov": float(i) for i in range(20)}
    cycles = tuple(
        cycle(hour, drift=drift, drifted=tuple(drift)[: hour % 20], reasons=("a long reason, " * 40,))
        for hour in range(10_000)
    )
    frames = tuple((one.interval, bytes(40_000)) for one in cycles[:300])
    text = render(make_history(10_000, rows=cycles, frames=frames))
    assert len(text.encode()) < 5_000_000
    assert len(Page(text).data["readings"]) <= 480


def test_cycles_beyond_what_a_file_can_hold_are_counted_and_said(make_history: Make) -> None:
    text = render(make_history(12_010))
    assert "10 older cycles are not in this file" in text
    assert "12,010" in text


def test_the_best_possible_has_its_column_where_it_is_known(make_history: Make) -> None:
    assert "best possible" in render(make_history(6)).lower()
    assert "best possible" not in render(make_history(6, best_possible=None)).lower()


def test_a_history_without_a_cycle_is_a_page(make_history: Make) -> None:
    text = render(make_history(0, champions=()))
    Page(text)
    assert "No cycle has run in this range yet." in text


def test_a_history_without_a_score_is_a_page(make_history: Make) -> None:
    cycles = tuple(cycle(hour, score=None, champion=None, decision="hold") for hour in range(3))
    text = render(make_history(3, rows=cycles, champions=()))
    Page(text)
    assert "No interval of 3 has been scored yet. 3 intervals were held." in text


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 0.0, -5.0, 1e15])
def test_no_score_can_break_the_page(make_history: Make, score: float) -> None:
    cycles = tuple(cycle(hour, score=score, challengers={"c": score}) for hour in range(120))
    page = Page(render(make_history(120, rows=cycles, best_possible=None, lower_is_better=True)))
    assert len(page.data["rows"]) == 120


def test_the_verdict_compares_with_the_best_and_with_the_first_model(make_history: Make) -> None:
    scored = [cycle(hour, score=0.96, frozen=0.5) for hour in range(4)]
    cycles = (*scored, cycle(4, score=None, decision="hold"))
    history = make_history(5, rows=cycles)
    assert verdict(history, totals(history)) == (
        "The champion's accuracy was 0.9600 on average over 4 intervals, each predicted before any training on it. "
        "The best possible is 0.9688, 0.0088 away. The first model, never trained again, would have had 0.5000. "
        "1 interval was held."
    )


@pytest.mark.parametrize(("score", "lower_is_better"), [(0.97, False), (0.5, True)])
def test_a_mean_better_than_the_best_possible_is_called_luck(
    make_history: Make, score: float, lower_is_better: bool
) -> None:
    rows = (cycle(0, score=score),)
    history = make_history(1, rows=rows, lower_is_better=lower_is_better)
    assert "happened to go better" in verdict(history, totals(history))


def test_frames_can_be_stepped_through_and_take_the_animations_place(make_history: Make) -> None:
    frames = tuple((cycle(hour).interval, PNG) for hour in range(3))
    page = Page(render(make_history(3, frames=frames, animation=animate([PNG]))))
    found = page.data["frames"]
    assert [label for _, label, _ in found] == ["2026-11-24 00:00", "2026-11-24 01:00", "2026-11-24 02:00"]
    assert [round(percent) for percent, _, _ in found] == [17, 50, 83]
    assert base64.b64decode(found[0][2].partition(",")[2]) == PNG
    assert len(page.all("img")) == 1


def test_frames_that_would_be_too_much_are_thinned_and_the_page_says_so(make_history: Make) -> None:
    frames = tuple((cycle(hour).interval, bytes(500_000)) for hour in range(20))
    text = render(make_history(20, frames=frames))
    assert len(Page(text).data["frames"]) == 7
    assert "7 of 20 pictures" in text


def test_who_asks_for_less_motion_sees_a_still(make_history: Make) -> None:
    page = Page(render(make_history(3, animation=animate([PNG, PNG]))))
    assert page.all("source")[0]["media"] == "(prefers-reduced-motion: reduce)"
    assert (page.all("source")[0]["srcset"] or "").startswith("data:image/png;base64,")


def test_the_same_history_gives_the_same_page(make_history: Make) -> None:
    assert render(make_history(6)) == render(make_history(6))


def test_light_dark_and_narrow_are_provided_for(make_history: Make) -> None:
    text = render(make_history(6))
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "@media (max-width" in text


def test_a_regressions_page_says_that_lower_is_better(make_history: Make) -> None:
    text = render(make_history(6, task="regression", metric="mae", lower_is_better=True, best_possible=None))
    assert "lower is better" in text
    assert "mean mae" in text


def test_the_scale_of_scores_holds_a_metric_with_an_underscore(make_history: Make) -> None:
    assert "balanced accuracy before training" in render(make_history(6, metric="balanced_accuracy"))


PNG = draw(
    Scene(
        interval=Interval(START, START + HOUR),
        table=rows(),
        features={"x": "numeric", "y": "numeric"},
        target="class",
        task="classification",
        classes=("A", "B", "C"),
    )
)


def test_promotions_and_refreshes_are_told_apart_as_the_command_line_does(make_history: Make) -> None:
    rows = (cycle(0, decision="promote tree"), cycle(1, decision="refresh"), cycle(2, decision="refresh"))
    page = render(make_history(3, rows=rows))
    assert "1 promoted, 2 refreshed" in page
    assert "<td>promote tree</td>" in page


def test_an_interval_scored_again_shows_both_scores(make_history: Make) -> None:
    page = render(make_history(3, rows=(cycle(1), cycle(2, rescored=0.5))))
    assert "0.9520, then 0.5000" in page
    assert "scored again after late rows: from the first score to the later one" in page
    assert "scored again (1)" in page


def test_long_reasons_are_cut_for_the_eye_and_can_be_opened(make_history: Make) -> None:
    page = render(make_history(2, rows=(cycle(0, reasons=("because " * 30,)), cycle(1, reasons=("short",)))))
    assert page.count('<div class="long" tabindex="0">because ') == 1
    assert '<td class="reasons">short</td>' in page


ASKED = Asked(
    intervals=4,
    of=9,
    rows=1000,
    reliability=(Bin(0.5, 0.6, 250, 0.55, 0.5), Bin(0.9, 1.0, 750, 0.97, 0.96)),
    confusion=Confusion(("A", "<b>"), ((480, 20), (50, 450))),
    slices=(Slice("x", "up to 0.5", 500, 0.8), Slice("x", "above 0.5", 500, 0.95)),
)


def test_the_first_model_is_a_line_a_column_and_a_sentence(make_history: Make) -> None:
    history = make_history(
        rows=(cycle(0), *(cycle(hour, frozen=0.6) for hour in range(1, 6))), first_model="tree of 01:00"
    )
    page = Page(render(history))
    assert any(attrs.get("class") == "first" for attrs in page.all("path"))
    assert "First model" in " ".join(page.texts["th"])
    assert "The first model, never trained again, would have had 0.6000." in " ".join(page.texts["p"])
    assert "The first model is tree of 01:00, asked again when this page was made." in " ".join(page.texts["p"])
    assert "first model 0.6000" in page.data["readings"][1][1]


def test_what_was_asked_again_is_shown_as_charts_and_as_tables(make_history: Make) -> None:
    page = Page(render(make_history(asked=ASKED, notes=("The first model could not be asked.",))))
    headings = [text.strip() for kind in ("h2", "h3") for text in page.texts[kind]]
    wanted = {"How far its answers can be trusted", "Calibration", "Confusion", "Where it does well, and where not"}
    assert wanted <= set(headings)
    assert len(page.all("circle")) == 2
    assert "1,000 rows of 4 intervals, evenly spread over 9" in " ".join(page.texts["p"])
    assert {"480", "20", "50", "450"} <= {text.strip() for text in page.texts["td"]}
    assert "0.8000, worst" in [text.strip() for text in page.texts["td"]]
    assert "The first model could not be asked." in page.texts["li"]
    assert "<b>" in page.texts["th"], "a class's name is text"


def test_of_many_classes_the_most_frequent_mistakes_are_listed(make_history: Make) -> None:
    names = tuple(f"k{i}" for i in range(20))
    counts = tuple(tuple(50 if i == j else int(j == i + 1) for j in range(20)) for i in range(20))
    page = Page(render(make_history(asked=replace(ASKED, confusion=Confusion(names, counts)))))
    assert "The most frequent mistakes" in [text.strip() for text in page.texts["h3"]]
    assert "Of 20 classes." in " ".join(page.texts["figcaption"])


def test_a_regression_s_residuals_are_shown(make_history: Make) -> None:
    rng = np.random.default_rng(0)
    off = residuals(rng.normal(size=500), np.zeros(500))
    asked = Asked(intervals=4, of=4, rows=500, residuals=off)
    page = Page(render(make_history(asked=asked, task="regression", metric="mae", lower_is_better=True)))
    assert {"Residuals", "Residuals by what was predicted"} <= {text.strip() for text in page.texts["h3"]}
    assert any("bars-of" in (attrs.get("class") or "") for attrs in page.all("svg"))


@pytest.mark.parametrize(
    ("hours", "changes"),
    [
        (0, {"champions": ()}),
        (1, {}),
        (3, {"rows": tuple(cycle(hour, champion=None, score=None, decision="hold", trained=False, drift={}, drifted=(),
                                 challengers={}, rows=0) for hour in range(3)), "champions": ()}),
        (3, {"asked": Asked(intervals=0, of=3, rows=0, notes=("gone",)), "notes": ("gone",)}),
    ],
)  # fmt: skip
def test_a_page_of_little_has_headings_in_order_and_a_name_for_every_chart(
    make_history: Make, hours: int, changes: dict[str, Any]
) -> None:
    page = Page(render(make_history(hours, **changes)))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    for attrs in page.all("svg"):
        assert attrs.get("aria-hidden") == "true" or attrs.get("aria-label")
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = [attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs]
    assert set(named) <= set(ids)


def test_provisional_scores_are_marked_and_explained(make_history: Make) -> None:
    page = Page(render(make_history(3, rows=(cycle(1), cycle(2, provisional=40)))))
    assert "0.9520?" in page.texts["td"]
    assert "0.9510" in page.texts["td"]
    hints = [text for text in page.texts["p"] if text.startswith("? provisional")]
    assert len(hints) == 1
    assert "have no label yet" in hints[0]
    assert "(1 interval)" in hints[0]
    assert "provisional (1)" in page.texts["div"]
    assert "(provisional, 40 rows without a label)" in page.data["readings"][1][1]
    assert "provisional:" not in render(make_history(3))


def test_every_figure_of_time_says_what_it_counts(make_history: Make) -> None:
    rows = tuple(cycle(hour, fits=(Fit("tree", 900, 0.5),)) for hour in range(3))
    page = Page(render(make_history(3, rows=rows)))
    assert {"seconds of training", "seconds a fit", "rows", "rows a fit", "Seconds of steps"} <= set(page.texts["th"])
    assert "seconds" not in [text.lower().strip() for text in page.texts["th"]]
    assert page.texts["dt"][-1] == "seconds of steps"
    assert {"0.1 s", "0.050 s a cycle"} <= set(page.texts["dd"]) or {"0.2 s", "0.050 s a cycle"} <= set(
        page.texts["dd"]
    )


def test_a_regression_is_in_the_unit_of_its_target(make_history: Make) -> None:
    off = residuals(np.random.default_rng(0).normal(size=500), np.zeros(500))
    asked = Asked(intervals=4, of=4, rows=500, residuals=off)
    said: dict[str, Any] = {"task": "regression", "metric": "mae", "lower_is_better": True, "best_possible": None}
    page = Page(render(make_history(asked=asked, target="price_eur", **said)))
    assert "lower is better, in the unit of price_eur" in page.texts["dd"]
    assert "actual less predicted price_eur" in page.texts["div"]
    assert "rows" in page.texts["div"]
    assert "predicted price_eur" in page.texts["th"]
    assert "mean residual" in page.texts["th"]
    assert "in the unit of" not in render(make_history(target="price_eur"))


def test_names_that_pictures_shorten_are_there_in_full(make_history: Make) -> None:
    name = "a name of sixty signs, of which a picture shows the two ends"
    frames = ((cycle(0).interval, PNG),)
    page = Page(render(make_history(1, frames=frames, names=(("a name … two ends", name), ("no. 2", "<b>안녕</b>")))))
    assert name in page.texts["dd"]
    assert "<b>안녕</b>" in page.texts["dd"]
    assert "no. 2" in page.texts["dt"]


def test_every_table_is_in_a_box_that_scrolls(make_history: Make) -> None:
    off = residuals(np.random.default_rng(0).normal(size=500), np.zeros(500))
    rows = tuple(cycle(hour, fits=(Fit("tree", 900, 0.5),)) for hour in range(3))
    text = render(make_history(3, rows=rows, asked=replace(ASKED, residuals=off)))
    outside = re.sub(r'<div class="scroll".*?</table>', "", text, flags=re.DOTALL)
    assert "<table" not in re.sub(r"<details>.*?</details>", "", outside, flags=re.DOTALL)


def test_two_thousand_cycles_are_a_page_of_a_megabyte_at_most(make_history: Make) -> None:
    assert len(render(make_history(2000)).encode()) < 1_000_000
