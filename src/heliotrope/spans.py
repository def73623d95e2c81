"""Spans of OpenTelemetry: a cycle, its steps, and the parts of each; nothing where nobody asks for them.

The environment asks, in OpenTelemetry's own words: ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``..._TRACES_ENDPOINT``) says
where they go, ``OTEL_TRACES_EXPORTER`` (``otlp``, ``console``, ``none``) how; or the program around has set up a tracer
before. ``TRACEPARENT`` names the span they hang on. Until then nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

import heliotrope

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

__all__ = ["exporter_asked", "flush", "part", "span"]

_LONGEST_FLUSH = 5000
_current: ContextVar[Tracer | None] = ContextVar("heliotrope.spans", default=None)
"""The tracer of the span around; None outside of any, where parts are no spans either."""


def exporter_asked(environment: Mapping[str, str]) -> str:
    """Which exporter the environment asks for: ``otlp``, ``console``, or another word; empty for none.

    >>> exporter_asked({}), exporter_asked({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    ('', 'otlp')
    >>> exporter_asked({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    ''
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if named:
        return "" if named == "none" else named
    ends = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return "otlp" if any(environment.get(one, "").strip() for one in ends) else ""


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """A span round the block, and spans for its parts; only the block where nobody asks for any."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    around = None if _current.get() is not None else _parent()
    before = _current.set(tracer)
    said = {f"heliotrope.{key}": value for key, value in attributes.items() if value != ""}
    try:
        with tracer.start_as_current_span(name, context=around, attributes=said):
            yield
    finally:
        _current.reset(before)


def part(name: str, **attributes: str | int) -> AbstractContextManager[object]:
    """A span round a part of what :func:`span` is round; outside of one, nothing."""
    tracer = _current.get()
    if tracer is None:
        return nullcontext()
    return tracer.start_as_current_span(name, attributes={f"heliotrope.{k}": value for k, value in attributes.items()})


def flush() -> None:
    """Send what waits; for a process that may be ended without a word."""
    if _current.get() is None and _tracer.cache_info().currsize and _tracer() is not None:
        from opentelemetry import trace

        provider = trace.get_tracer_provider()
        if hasattr(provider, "force_flush"):
            provider.force_flush(_LONGEST_FLUSH)


def _parent() -> Context | None:
    """What TRACEPARENT names; None where it names nothing, for the span that is current anyhow."""
    named = os.environ.get("TRACEPARENT")
    if not named:
        return None
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if trace.get_current_span().get_span_context().is_valid:
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": named})


@cache
def _tracer() -> Tracer | None:
    """Where spans come from; None where nobody asks for them, or what makes them is not installed, which is said."""
    asked = exporter_asked(os.environ)
    if not asked and "opentelemetry.sdk.trace" not in sys.modules:
        return None
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider as Provider

        if not isinstance(trace.get_tracer_provider(), Provider):
            if not asked:
                return None
            trace.set_tracer_provider(_provider(asked))
    except (ImportError, ValueError) as error:
        warnings.warn(
            f"no spans are sent: {error} (pip install '.[otel]' in a clone of heliotrope, or unset OTEL_*)",
            stacklevel=2,
        )
        return None
    return trace.get_tracer("heliotrope", heliotrope.__version__)


def _provider(asked: str) -> TracerProvider:
    """A provider of our own, which sends in the background and at the end of the process. Raises ValueError."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as Provider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    said = {"service.version": heliotrope.__version__} | ({} if named else {"service.name": "heliotrope"})
    exporter: SpanExporter
    if asked == "console":
        exporter = ConsoleSpanExporter(out=sys.stderr)
    elif asked == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        if protocol != "http/protobuf":
            raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}, and http/protobuf alone is spoken here")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    else:
        raise ValueError(f"OTEL_TRACES_EXPORTER is {asked!r}; otlp, console and none are known")
    provider = Provider(resource=Resource.create(said))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
