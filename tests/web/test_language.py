"""Every text is there in every language, and no page says one that is not."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest
import yaml

from heliotrope.config.pipeline import CLASSIFICATION_METRICS, REGRESSION_METRICS
from heliotrope.records import Action, Event
from heliotrope.web.health import State
from heliotrope.web.language import LANGUAGES, Language, chosen
from heliotrope.web.words import Words
from running import Running

TEXTS = {code: Language(code)._texts for code in LANGUAGES}
OTHERS = [code for code in LANGUAGES if code != "en"]


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_there_in_every_language(code: str) -> None:
    assert TEXTS[code].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize("code", OTHERS)
def test_a_text_is_filled_with_the_same_values_in_every_language(code: str) -> None:
    for key, text in TEXTS["en"].items():
        assert _places(TEXTS[code][key]) <= _places(text), key
        assert _places(text) - _places(TEXTS[code][key]) <= {"n"}, key


def test_korean_is_korean() -> None:
    """A text that was left in English would be found here; a few are names or figures."""
    left = [key for key, text in TEXTS["ko"].items() if not re.search("[가-힣]", text)]
    assert left == ["range.is", "cycle.range"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_has_no_key_that_yaml_takes_for_something_else(code: str) -> None:
    """``on``, ``yes`` and ``no`` are true and false there, unless they are quoted."""

    def keys(found: object) -> list[object]:
        return [one for key, value in found.items() for one in (key, *keys(value))] if isinstance(found, dict) else []

    text = files("heliotrope.web").joinpath("languages", f"{code}.yaml").read_text(encoding="utf-8")
    assert all(isinstance(key, str) for key in keys(yaml.safe_load(text)))


def test_every_text_that_a_template_asks_for_is_there_and_every_text_is_asked_for() -> None:
    templates = [file.read_text(encoding="utf-8") for file in files("heliotrope.web").joinpath("templates").iterdir()]
    asked = {key for text in templates for key in re.findall(r"\bt\('([a-z_.]+)'", text)}
    groups = {key for text in templates for key in re.findall(r"\bt\('([a-z_.]+\.)' ~", text)}
    groups |= {f"{key}." for text in templates for key in re.findall(r"named\('([a-z_]+)'", text)}
    groups |= {"length.", "why.", "metric.", "failure."}
    plain = {key for key in asked if not key.endswith(".")}
    assert plain <= TEXTS["en"].keys()
    spoken = {key for key in TEXTS["en"] if key in plain or key.removesuffix(".one") in plain}
    spoken |= {key for key in TEXTS["en"] if any(key.startswith(group) for group in groups)}
    others = {"drift.all", "and_more", "total.lower", "total.higher"}  # said by words, or by one of two keys
    others |= {key for key in TEXTS["en"] if key.startswith(("change.", "champion."))}
    assert TEXTS["en"].keys() - spoken - others == set()


def test_every_word_of_the_record_has_a_name() -> None:
    wanted = [f"state.{one}" for one in State] + [f"action.{one}" for one in Action] + [f"event.{one}" for one in Event]
    wanted += [f"metric.{one}" for one in (*CLASSIFICATION_METRICS, *REGRESSION_METRICS)]
    wanted += [f"part.{one}" for one in ("extract", "load", "evaluate", "drift", "decide", "fit", "save", "ledger")]
    for code, texts in TEXTS.items():
        assert [key for key in wanted if key not in texts] == [], code


def test_the_language_is_the_one_chosen_else_the_one_the_browser_asks_for(replayed: Running) -> None:
    with replayed.client(follow_redirects=True) as client:
        assert '<html lang="en">' in client.get("/").text
        korean = client.get("/", headers={"accept-language": "ko-KR,ko;q=0.9,en-US;q=0.8"})
        assert '<html lang="ko">' in korean.text
        assert korean.headers["content-language"] == "ko"
        assert "파이프라인" in korean.text
        back = client.get("/language/ko", params={"back": "/pipelines/turning"})
        assert back.url.path == "/pipelines/turning"
        assert "시간 흐름" in back.text
        assert '<html lang="ko">' in client.get("/", headers={"accept-language": "en"}).text
        client.get("/language/en")
        assert '<html lang="en">' in client.get("/", headers={"accept-language": "ko"}).text
        assert client.get("/language/xx").status_code == 404


@pytest.mark.parametrize("header", [None, "", ";;;", "ko;q=x", "*", "de", ",,ko", "ko;q=0.1,en;q=0.2", "\x00"])
def test_no_header_makes_it_fail(header: str | None) -> None:
    assert chosen(None, header) in LANGUAGES


def test_one_of_a_thing_is_said_as_one() -> None:
    assert Language("en")("length.days", n=1) == "1 day"
    assert Language("en")("length.days", n=2) == "2 days"
    assert Language("en")("total.rows", n=Words.count(1)) == "1 row"
    assert Language("en")("live.waiting", n=Words.count(2)) == "2 intervals to go"
    assert Words(Language("ko")).features(["x", "y", "z", "u", "v", "*"]) == "x, y, z, u 외 2개"
