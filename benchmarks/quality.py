"""How well does the default policy do on every kind of stream, beside the peers and beside what hindsight would take?

Test, then train: an interval is predicted whole, then its labels are told. One policy file for all streams, untuned.
Outcomes are kept in a folder, so that a second run costs only what is new.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from heliotrope.threads import wait_asleep
from prequential import table
from prequential.course import Course, Outcome
from prequential.courses import COURSES, Skipped, course
from prequential.kept import Kept
from prequential.policies import policies


def main() -> int:
    """Print the tables; the exit code."""
    asked = _asked()
    for name in ("elec2", "luxembourg"):
        given = getattr(asked, name)
        if given is not None:
            os.environ[f"HELIOTROPE_{name.upper()}"] = str(given)
    wait_asleep()
    kept = Kept(asked.cache)
    found: dict[str, tuple[Course, dict[str, Outcome]]] = {}
    for name in asked.only or COURSES:
        try:
            one = course(name)
        except Skipped as why:
            print(f"{name}: skipped: {why}", flush=True)
            continue
        found[name] = (one, _run(one, kept, asked.policies))
        print("\n".join(table.course_table(*found[name])), flush=True)
    print("\n".join(table.summary(found)), flush=True)
    checks = table.checks(found)
    print("\n".join(check.line for check in checks), flush=True)
    if asked.markdown is not None:
        asked.markdown.write_text(table.markdown(found, checks), encoding="utf-8")
    return 1 if any(check.met is False for check in checks) else 0


def _run(one: Course, kept: Kept, only: list[str] | None) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    print(f"{one.title}: {len(one.batches)} intervals, {one.table.num_rows:,} rows {one.sampled}", flush=True)
    for policy in policies(one.name):
        if only and not any(part in policy.name for part in only):
            continue
        begun = time.perf_counter()
        try:
            outcomes[policy.name] = kept.find(one, policy)
        except Skipped as why:
            print(f"  {policy.name}: skipped: {why}", flush=True)
            continue
        spent = time.perf_counter() - begun
        if spent > 1.0:
            print(f"  {policy.name}: {outcomes[policy.name].accuracy:.4f}, {spent:.0f} s", flush=True)
    return outcomes


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elec2", type=Path, help="elec2.csv; else $HELIOTROPE_ELEC2")
    parser.add_argument("--luxembourg", type=Path, help="luxembourg.csv; else $HELIOTROPE_LUXEMBOURG")
    parser.add_argument("--only", nargs="*", choices=list(COURSES), help="these streams alone")
    parser.add_argument("--policies", nargs="*", help="those alone whose name has one of these in it")
    parser.add_argument("--cache", type=Path, default=Path(".heliotrope/quality"), help="where outcomes are kept")
    parser.add_argument("--markdown", type=Path, help="write the tables there too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
