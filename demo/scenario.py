#!/usr/bin/env python3
"""Writes the demo's search results as JSON lines, the same for the same seed.

scenario.py --beacon        the search the analyst hands off: what touches NASHUA's intruder
scenario.py --all           the whole day, about 6,000 rows of ten log sources
"""

from __future__ import annotations

import argparse
import json
import sys

import noise
import story
from events import Row
from world import SEED, Dice

SEARCH = (
    "search index=* (NASHUA OR 10.20.14.37 OR CONCORD OR sync-telemetry OR invoices.test) "
    "earliest=-6h | ighandoff"
)
BUCKETS = {"network": 14, "proxy": 9, "windows": 31, "email": 3}


def finish(rows: list[Row]) -> list[Row]:
    """Newest first, as a search gives them, each with the fields that find the event again."""
    rows.sort(key=lambda row: (row["_time"], row["_raw"]))
    places: dict[str, int] = {}
    for row in rows:
        index = row["index"]
        place = places.get(index, 1024) + len(row["_raw"].encode()) + 40
        places[index] = place
        bucket = BUCKETS[index]
        row["_cd"] = f"{bucket}:{place}"
        row["_bkt"] = f"{index}~{bucket}~6F2C0D4E-7A61-4B0C-9E57-1D2A3B4C5D6E"
        row["_indextime"] = f"{float(row['_time']) + 2:.0f}"
        row["splunk_server"] = "idx01"
        row["linecount"] = "1"
    rows.reverse()
    return rows


def beacon_rows(seed: int = SEED) -> list[Row]:
    """The story, and what else its machines did: a graph that can be read."""
    dice = Dice(seed)
    return finish([*story.whole_story(dice), *noise.own_noise(dice)])


def all_rows(seed: int = SEED) -> list[Row]:
    """The story within its whole day."""
    dice = Dice(seed)
    rows = [*story.whole_story(dice), *noise.own_noise(dice)]
    return finish([*rows, *noise.whole_day(dice)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--beacon", action="store_true", help="the result the demo hands off")
    choice.add_argument("--all", action="store_true", help="the whole day")
    choice.add_argument("--search", action="store_true", help="only the text of the search")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    if arguments.search:
        print(SEARCH)
        return 0
    rows = beacon_rows(arguments.seed) if arguments.beacon else all_rows(arguments.seed)
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
