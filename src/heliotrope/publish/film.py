"""Pictures as an MP4, where ffmpeg is there: smaller than a GIF, and it can be stopped."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["film"]

_SECONDS = 120.0


def film(frames: Sequence[bytes], *, frames_per_second: int = 4) -> tuple[bytes | None, str]:
    """PNG pictures of one size as an MP4 (H.264); None where ffmpeg is not there, or fails, and then why it failed."""
    program = shutil.which("ffmpeg")
    if program is None or not frames:
        return None, ""
    with tempfile.TemporaryDirectory(prefix="heliotrope") as folder:
        file = Path(folder) / "film.mp4"  # a file, for the index in front is written last
        command = [
            *(program, "-hide_banner", "-loglevel", "error"),
            *("-f", "image2pipe", "-framerate", str(frames_per_second), "-c:v", "png", "-i", "-"),
            *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1"),
            *("-movflags", "+faststart", str(file)),
        ]
        try:
            done = subprocess.run(  # noqa: S603 - a program of the system, with arguments from here alone
                command, input=b"".join(frames), capture_output=True, check=False, timeout=_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, f"ffmpeg: {error}"
        if done.returncode or not file.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            return None, f"ffmpeg: {said[-1] if said else f'exit code {done.returncode}'}"
        return file.read_bytes(), ""
