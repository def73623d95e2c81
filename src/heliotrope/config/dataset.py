"""Data sets: what `heliotrope load` writes into the source's table."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from heliotrope.config.setting import ImportPath, Name, Positive, Settings, Step, Time

__all__ = ["Dataset", "FileDataset", "FunctionDataset", "StreamDataset"]


class StreamDataset(Settings):
    """A synthetic stream (see heliotrope.streams), by name and parameters."""

    kind: Literal["stream"] = "stream"
    stream: Name = Field("rotating_gaussians", description="its name in heliotrope.streams")
    params: dict[str, Any] = Field(
        default_factory=dict, description="the stream's own: rows, seed, and what else it has"
    )
    start: Time = Field(description="of the first interval, on the grid")
    intervals: Positive = Field(description="how many to write")


class FileDataset(Settings):
    """A CSV or Parquet file; without a time column, row i is at ``start + i * step``."""

    kind: Literal["file"] = "file"
    path: str | None = Field(None, description="absent: named on the command line")
    start: Time | None = Field(None, description="the time of the first row, for a file without a time column")
    step: Step | None = Field(None, description="from one row to the next, with start")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.start is None) != (self.step is None):
            raise ValueError("start and step belong together; give both, or a time column in the file")
        return self


class FunctionDataset(Settings):
    """A function that returns a pyarrow.Table, by import path."""

    kind: Literal["function"] = "function"
    call: ImportPath = Field(description="the function; a pandas or Polars frame will do as well")
    params: dict[str, Any] = Field(default_factory=dict, description="its arguments, by name")


Dataset = Annotated[StreamDataset | FileDataset | FunctionDataset, Field(discriminator="kind")]
