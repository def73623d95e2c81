"""Targets: what is refused and how, and that an address shows nowhere."""

from __future__ import annotations

import json
import pickle
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import world
from heliotrope import config
from heliotrope.config.document import read_text
from heliotrope.errors import ConfigError
from heliotrope.records import Event

SECRET = "discord://1234567890/SECRET-TOKEN"
TARGET: dict[str, Any] = {"name": "team", "url": SECRET}


def declared(*targets: Any) -> config.Pipeline:
    return world.pipeline(notify=list(targets))


def test_a_pipeline_without_targets_is_declared_as_it_was_before_there_were_any() -> None:
    assert "notify" not in world.pipeline().model_dump(mode="json")
    assert world.pipeline(notify=[]).model_dump(mode="json") == world.pipeline().model_dump(mode="json")


def test_who_is_told_changes_no_result() -> None:
    assert declared(TARGET).fingerprint() == world.pipeline().fingerprint()


def test_an_address_is_in_no_text_of_the_pipeline_and_in_no_record() -> None:
    pipeline = declared(TARGET)
    said = [repr(pipeline), str(pipeline), json.dumps(pipeline.model_dump(mode="json")), pipeline.model_dump_json()]
    assert not [text for text in said if "SECRET" in text]
    assert pipeline.notify[0].url is not None
    assert pipeline.notify[0].url.get_secret_value() == SECRET
    assert pickle.loads(pickle.dumps(pipeline)) == pipeline


def test_the_copy_on_record_knows_that_its_address_is_withheld() -> None:
    pipeline = declared(TARGET)
    copy = config.parse(pipeline.model_dump(mode="json"))
    assert (pipeline.notify[0].withheld, copy.notify[0].withheld) == (False, True)
    assert copy.model_dump(mode="json") == pipeline.model_dump(mode="json")


@pytest.mark.parametrize(
    "wrong",
    [
        SECRET,
        [SECRET],
        [[SECRET]],
        [{SECRET: "team"}],
        [{"name": SECRET, "url": SECRET}],
        [{"name": "team", SECRET: 1}],
        [{"name": "team", "urls": SECRET}],
        [{"name": "team", "url": [SECRET]}],
        [{"name": "team", "url": SECRET + "\0"}],
        [{"name": "team", "url": "SECRET-TOKEN"}],
        [{"name": "team", "url_env": SECRET}],
        [{"name": "team", "url_env": "SECRET-TOKEN"}],
        [{"name": "team", "url_file": SECRET}],
        [{"name": "team", "connection": SECRET}],
        [{"name": "team", "connection": "SECRET/TOKEN"}],
        [{**TARGET, "url_env": "TEAM"}],
        [{**TARGET, "events": SECRET}],
        [{**TARGET, "events": [SECRET]}],
        [{**TARGET, "events": []}],
        [{**TARGET, "template": SECRET}],
        [{**TARGET, "template": {SECRET: "x"}}],
        [{**TARGET, "template": {"promoted": {"a": SECRET}}}],
        [{**TARGET, "timeout": SECRET}],
        [{**TARGET, "repeat_after": SECRET}],
        [{**TARGET, "uncertain": SECRET}],
        [{**TARGET, "picture": SECRET}],
        [{**TARGET, "quiet_hours": SECRET}],
        [{**TARGET, "quiet_hours": {"start": SECRET, "end": SECRET, "time_zone": SECRET}}],
        [TARGET, TARGET],
    ],
)
def test_no_error_about_a_target_shows_what_may_be_its_address(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="notify") as caught:
        world.pipeline(notify=wrong)
    assert "SECRET" not in str(caught.value)
    if "\0" not in json.dumps(wrong):
        file = tmp_path / "turning.yaml"
        file.write_text(yaml.safe_dump({**world.PIPELINE, "notify": wrong}))
        with pytest.raises(ConfigError) as again:
            config.load(file)
        assert "SECRET" not in str(again.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"events": ["promotd"]}, "'promotd' is no event; did you mean 'promoted'?"),
        ({"template": {"promotd": "x"}}, "'promotd' is no event; did you mean 'promoted'?"),
        ({"template": {"promoted": "{pipelin}"}}, "{pipelin} is nothing that a template may name; did you mean"),
        ({"template": {"promoted": "{pipeline.__class__}"}}, "is nothing that a template may name"),
        ({"template": {"promoted": "{pipeline!r}"}}, "{pipeline} takes no format"),
        ({"template": {"promoted": "{"}}, "write {{ and }} for braces"),
        ({"template": {"promoted": "{}"}}, "is nothing that a template may name"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00", "time_zone": "UTC"}}, "'25:00' is not a time of day"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "Mars"}}, "'Mars' is no time zone"),
        ({"quiet_hours": {"start": "07:00", "end": "07:00", "time_zone": "UTC"}}, "start and end are the same"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00"}}, "time_zone: missing"),
        ({"evnts": ["promoted"]}, "unknown key; did you mean 'events'?"),
        ({"timeout": 0}, "timeout: input should be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        declared({**TARGET, **change})
    assert said in str(caught.value)


def test_exactly_one_address_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="team has no address; give exactly one"):
        declared({"name": "team"})
    with pytest.raises(ConfigError, match="team has url and url_file; give exactly one"):
        declared({**TARGET, "url_file": "team.txt"})


def test_a_time_of_day_without_quotes_is_understood_as_it_is_meant() -> None:
    text = "start: 22:30\nend: 06:15\ntime_zone: Europe/Berlin"
    hours = declared({**TARGET, "quiet_hours": read_text(text, "x").data}).notify[0].quiet_hours
    assert hours is not None
    assert (hours.start, hours.end) == (time(22, 30), time(6, 15))


def test_training_refreshed_and_kept_come_every_hour_and_are_told_on_request() -> None:
    assert set(Event) - set(declared(TARGET).notify[0].events) == {Event.TRAINING, Event.REFRESHED, Event.KEPT}
