"""Writes the reference of the command line and of the pipeline's file from the code that defines them.

python docs/generate.py            write docs/reference/cli.md and pipeline.md
python docs/generate.py --check    say which of them is not up to date; ends with 1 if any
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from heliotrope import config
from heliotrope.cli.application import command
from heliotrope.config import gate
from heliotrope.interval import format_step
from heliotrope.records import Event

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by `python docs/generate.py`. Do not edit it: edit the code, and run that again. -->"


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them with what is there; the exit code."""
    wanted = {REFERENCE / "cli.md": "\n".join(_cli()) + "\n", REFERENCE / "pipeline.md": "\n".join(_pipeline()) + "\n"}
    if "--check" not in arguments:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path} is not up to date; run: python docs/generate.py")
    return 1 if stale else 0


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"|{' --- |' * len(headers)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


# --- the command line --------------------------------------------------------------------------------------


def _cli() -> Iterator[str]:
    group: Any = command()
    yield from ("# Command line", "", _NOTE, "", _paragraphs(group.help)[0], "")
    yield from ("```text", "heliotrope VERB [OPTIONS] [ARGUMENTS]", "heliotrope --version", "```", "")
    verbs = list(_verbs(group, "heliotrope"))
    rows = [(f"[`{path}`](#{path.replace(' ', '-')})", _paragraphs(verb.help)[0]) for path, verb in verbs]
    yield from _table(("verb", "what it does"), rows)
    for block in _verbatim(group.help):
        if block.startswith(("Every verb", "Exit codes")):
            yield from ("", "```text", block, "```")
    yield from ("", "[When something fails](../how-to/when-something-fails.md) has more on the exit codes.", "")
    yield from ("Variables of the environment:", "")
    yield from _table(("variable", "meaning"), _VARIABLES)
    for path, verb in verbs:
        yield from _verb(path, verb)


_VARIABLES = (
    ("`HELIOTROPE_DATABASE_URL`", "the PostgreSQL to use, as `postgresql://user:password@host:5432/database`"),
    ("`PGHOST`, `PGPORT`, `PGDATABASE`, ...", "the same, as `psql` reads them, where the one above is not set"),
    (
        "`HELIOTROPE_HOME`",
        "the folder of models, pictures and the embedded PostgreSQL; `./.heliotrope` unless set",
    ),
    ("`MLFLOW_TRACKING_URI`", "where MLflow is; the schema `mlflow` of the same PostgreSQL unless set"),
    ("`HELIOTROPE_UI_TOKEN`", "what one signs in with to the pages of `heliotrope ui`"),
    ("`HELIOTROPE_TRACEBACK`", "set to anything: every error with the place in the code where it arose"),
)


def _verbs(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, verb in group.commands.items():
        if hasattr(verb, "commands"):
            yield from _verbs(verb, f"{path} {name}")
        else:
            yield f"{path} {name}", verb


def _verb(path: str, verb: Any) -> Iterator[str]:
    context = typer.Context(verb, info_name=path)
    yield from ("", f"## `{path}`", "")
    for paragraph in _paragraphs(verb.help):
        yield from (paragraph, "")
    yield from ("```text", " ".join([path, *verb.collect_usage_pieces(context)]), "```", "")
    records = [parameter.get_help_record(context) for parameter in verb.get_params(context)]
    rows = [(f"`{name}`", " ".join(text.split())) for name, text in filter(None, records) if name != "--help"]
    yield from _table(("argument or option", "meaning"), rows)
    for block in _verbatim(verb.help):
        if not block.startswith("Example:"):
            yield from ("", "```text", block, "```")
        else:
            yield from ("", "```sh", inspect.cleandoc(block.removeprefix("Example:")), "```")


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a help text that may be wrapped, each in one line."""
    return [" ".join(part.split()) for part in text.split("\n\n") if not part.startswith("\b")]


def _verbatim(text: str) -> list[str]:
    """Those that may not."""
    return [part.removeprefix("\b\n") for part in text.split("\n\n") if part.startswith("\b")]


# --- the pipeline's file -----------------------------------------------------------------------------------

_SECTIONS: tuple[tuple[str, tuple[type[BaseModel], ...]], ...] = (
    ("Pipeline", (config.Pipeline,)),
    ("Source", (config.Source,)),
    ("Candidate", (config.Candidate,)),
    ("Window", (config.Sliding, config.Expanding, config.Decayed, config.DriftCut)),
    (
        "Trigger",
        (
            config.Schedule,
            config.Amount,
            config.DriftTrigger,
            config.Performance,
            config.Cost,
            config.AnyOf,
            config.All,
            config.KOf,
        ),
    ),
    ("Drift", (config.Drift,)),
    ("False alarms", (config.FalseAlarms,)),
    (
        "Detector",
        (config.KolmogorovSmirnov, config.PopulationStability, config.ChiSquare, config.DomainClassifier),
    ),
    ("Validation", (config.Validation,)),
    ("Gate", (config.Gate,)),
    ("Promise", (gate.Rate, gate.Share)),
    ("Guard", (config.Guard,)),
    ("Slice", (config.Slice,)),
    ("Rollback", (config.RollBack,)),
    ("Approval", (config.Approval,)),
    ("Recall", (config.Recall,)),
    ("Report", (config.Report,)),
    ("Target", (config.Target,)),
    ("Quiet hours", (config.QuietHours,)),
    ("Dataset", (config.StreamDataset, config.FileDataset, config.FunctionDataset)),
)
_INTRODUCTION = """\
A pipeline is one YAML file. `heliotrope init TABLE` writes a first one, `heliotrope validate` checks it, and an unknown
key is refused with the nearest known name. What is left out has the default given here.

Where a choice has kinds, `kind` names the one meant. Lengths of time are written `15m`, `1h`, `1d`, `1w`; times as
`2026-11-24T05:00Z`, in UTC where no offset is given. A number is not taken for a text, nor a text for a number: labels
that are digits are quoted. The file is plain YAML of at most 256 KiB: aliases (`*name`), tags (`!!name`), a key given
twice and a second document are refused. What is wrong is said with its line, as `clicks.yaml:3`."""
_SECTION_OF = {model: heading for heading, models in _SECTIONS for model in models}


def _pipeline() -> Iterator[str]:
    yield from ("# The pipeline's file", "", _NOTE, "")
    yield _INTRODUCTION
    for heading, models in _SECTIONS:
        yield from ("", f"## {heading}")
        for model in models:
            if len(models) > 1:
                yield from ("", f"### `kind: {_kind(model)}`")
            yield from ("", _prose(model.__doc__ or ""), "")
            rows = [_row(name, field) for name, field in model.model_fields.items() if name != "kind"]
            yield from _table(("key", "type", "default", "meaning"), rows)


def _kind(model: type[BaseModel]) -> str:
    return str(model.model_fields["kind"].default)


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    return f"`{name}`", _type(field.annotation, field.metadata), _default(field), _prose(field.description or "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value in (None, "") or value is PydanticUndefined:
        return ""
    return f"`{_flow(value)}`"


def _flow(value: Any) -> str:
    """A default as YAML has it on one line."""
    if isinstance(value, BaseModel):
        shown = {key: getattr(value, key) for key in type(value).model_fields}
        if not isinstance(value, config.Drift | config.Validation | config.Gate | config.Report):
            return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in shown.items() if one is not None) + "}"
        return "{}"
    if isinstance(value, tuple) and all(isinstance(one, Event) for one in value):
        return "[" + ", ".join(value) + "]"
    if isinstance(value, tuple):
        return "[" + ", ".join(f"{{kind: {_kind(type(one))}}}" for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return format_step(value)
    return str(value)


def _type(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """A field's type in words."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        nested = [part.metadata if isinstance(part, FieldInfo) else [part] for part in more]
        return _type(inner, [one for several in nested for one in several])
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return _union([one for one in get_args(annotation) if one is not type(None)], metadata)
    if get_origin(annotation) is tuple:
        return f"list of {_type(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        return _mapping(*get_args(annotation))
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return _link(annotation)
    return _plain(annotation, metadata)


def _mapping(key: Any, value: Any) -> str:
    if value is Any:
        return "mapping"
    named = get_args(key)[0] if get_origin(key) is Annotated else key
    return "mapping of event to text" if named is Event else "list of columns, or mapping of column to kind"


def _union(members: list[Any], metadata: Sequence[Any]) -> str:
    if all(inspect.isclass(one) and issubclass(one, BaseModel) for one in members):
        return _link(members[0])
    return " or ".join(_type(one, metadata) for one in members)


def _link(model: type[BaseModel]) -> str:
    heading = _SECTION_OF[model]
    return f"[{heading.lower()}](#{heading.lower().replace(' ', '-')})"


def _plain(annotation: Any, metadata: Sequence[Any]) -> str:
    name = "import path" if any("_import_path" in repr(one) for one in metadata) else _NAMES[annotation.__name__]
    limits = ", ".join(limit for one in metadata for limit in _limits(one))
    return f"{name} {limits}".strip()


_NAMES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`true` or `false`",
    "timedelta": "length of time",
    "datetime": "time",
    "time": "time of day",
    "SecretStr": "text",
    "Event": "event",
}


def _limits(one: Any) -> Iterator[str]:
    for sign, name in (("≥", "ge"), (">", "gt"), ("≤", "le"), ("<", "lt")):
        value = getattr(one, name, None)
        if value is not None:
            yield f"{sign} {value:g}"


def _prose(text: str) -> str:
    """A docstring or description as Markdown, in one line."""
    return re.sub(r"``([^`]*)``", r"`\1`", " ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
