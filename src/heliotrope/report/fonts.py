"""Which fonts a picture is lettered with, and what becomes of signs that none of them has.

matplotlib brings DejaVu Sans, which knows no Hangul, kana or Han. Where a font that does is installed it is used for
those signs alone; where none is, they are written as escapes (``\\ud55c``), which stay distinct and warn of nothing.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["drawable", "families", "legible", "plain"]

_LATIN = "DejaVu Sans"
_WIDER = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "Nanum Gothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Baekmuk Gulim",
    "UnDotum",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """The font families to letter with, in order: each is installed, and the first comes with matplotlib."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (_LATIN, *(name for name in _WIDER if name in installed))


def legible(text: str, width: int = 22) -> str:
    """``text`` as it can be drawn: unknown and unprintable signs escaped, and no longer than ``width``.

    >>> legible("a\\nb"), legible("station 12 of the whole network")
    ('a\\\\nb', 'station 12 …le network')
    """
    known = _signs()
    signs = plain(text, 4 * width)
    shown = "".join(sign if sign.isprintable() and ord(sign) in known else _escape(sign) for sign in signs)
    return plain(shown, width)


def drawable(text: str) -> bool:
    """Whether at least half of the signs of ``text`` are known, so that it can be read although others are escaped."""
    known = _signs()
    return 2 * sum(sign.isprintable() and ord(sign) in known for sign in text) >= len(text)


def plain(text: str, width: int) -> str:
    """``text``, at most ``width`` signs long: the middle is left out, for names often differ at their ends.

    >>> plain("station number 12", 10)
    'stati…r 12'
    """
    return text if len(text) <= width else text[: width // 2] + "…" + text[len(text) - (width - 1) // 2 :]


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


@lru_cache(maxsize=1)
def _signs() -> frozenset[int]:
    """Every code point that the families have between them."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    files = [findfont(FontProperties(family=name)) for name in families()]
    return frozenset(code for file in files for code in get_font(file).get_charmap())
