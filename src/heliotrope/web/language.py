"""What the pages say, in each language they are in: one catalogue a language, every text by its key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

__all__ = ["LANGUAGES", "Language", "chosen"]

LANGUAGES: Mapping[str, str] = {"en": "English", "ko": "한국어"}
"""By code: what the language calls itself. The first one is spoken to those who ask for none of them."""


class Language:
    """One language. Called with a key and the values that go into the text, it says it.

    >>> Language("en")("pipelines.title")
    'Pipelines'
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self._texts = _catalogue(code)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key. Where ``n`` is 1 and there is a text ``KEY.one``, that one. Raises KeyError without."""
        if values.get("n") in (1, "1") and f"{key}.one" in self._texts:
            key = f"{key}.one"
        text = self._texts[key]
        return text.format(**values) if values else text

    def named(self, group: str, name: str) -> str:
        """What a word of the record is called, as ``action.promote``; the word itself where nothing is known of it."""
        return self._texts.get(f"{group}.{name}", name.replace("_", " "))


@cache
def _catalogue(code: str) -> dict[str, str]:
    text = files("heliotrope.web").joinpath("languages", f"{code}.yaml").read_text(encoding="utf-8")
    return dict(_flat("", yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))))  # noqa: S506 - safe


def _flat(within: str, found: Mapping[str, object]) -> list[tuple[str, str]]:
    texts: list[tuple[str, str]] = []
    for key, value in found.items():
        if isinstance(value, Mapping):
            texts += _flat(f"{within}{key}.", value)
        else:
            texts.append((f"{within}{key}" if key != "_" else within.rstrip("."), str(value)))
    return texts


def chosen(wanted: str | None, accepted: str | None) -> str:
    """The code of the language for one who has chosen ``wanted``, else by the Accept-Language header.

    >>> chosen(None, "ko-KR,ko;q=0.9,en;q=0.5"), chosen(None, "fr, en;q=0.5"), chosen("en", "ko"), chosen("xx", None)
    ('ko', 'en', 'en', 'en')
    """
    if wanted in LANGUAGES:
        return str(wanted)
    ranked = []
    for place, one in enumerate((accepted or "").split(",")):
        tag, _, weight = one.strip().partition(";")
        code = tag.strip().lower().partition("-")[0]
        if code in LANGUAGES:
            ranked.append((-_weight(weight), place, code))
    best = min(ranked, default=(0.0, 0, next(iter(LANGUAGES))))
    return best[2]


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q="))
    except ValueError:
        return 1.0
