"""The conf lint: the staged app has no finding, and each bad app of the corpus has just the one it was made for."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from . import rules_keys, rules_refs, rules_search, rules_views
from .app import App
from .read import Finding

CASES = Path(__file__).with_name("cases")
Case = tuple[str, list[str], list[tuple[str, str, str]]]
ESCAPE = re.compile(r"\{([0-9a-f]{2})\}")


def lint(root: Path) -> list[Finding]:
    app = App(root)
    for rules in (rules_keys, rules_refs, rules_search, rules_views):
        rules.check(app)
    return app.findings


class Tap:
    def __init__(self) -> None:
        self.count = self.failed = 0

    def point(self, sentence: str, complaints: list[str]) -> None:
        self.count += 1
        self.failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {self.count} - conf {sentence}", flush=True)
        for each in complaints:
            print(f"#   {each}")


# The corpus


def unescape(text: str) -> bytes:
    """`{0d}` in a case stands for a byte that does not show; everything else for itself."""
    parts = ESCAPE.split(text)
    return b"".join(bytes([int(part, 16)]) if at % 2 else part.encode() for at, part in enumerate(parts))


def read_cases(path: Path) -> list[Case]:
    """`= name`, then `> file:line: finding` for each one that there must be, then what is done to the sample:
    `~ file: old -> new` puts one text in another's place, `+ file` adds the indented lines below it, `* file` makes
    it of them, `- file` takes it away, `! file` takes its last line end."""
    cases: list[Case] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("= "):
            cases.append((line[2:], [], []))
        elif line.startswith("> "):
            cases[-1][1].append(line[2:])
        elif line.startswith("~ "):
            file, _, text = line[2:].partition(": ")
            cases[-1][2].append(("~", file, text))
        elif line[:2] in ("+ ", "* ", "- ", "! "):
            cases[-1][2].append((line[0], line[2:], ""))
        elif line.startswith("    "):
            how, file, text = cases[-1][2][-1]
            cases[-1][2][-1] = (how, file, text + line[4:] + "\n")
        elif line and not line.startswith("#"):
            raise ValueError(f"{path.name} line {number}: {line!r}")
    return cases


def change(root: Path, how: str, file: str, text: str) -> None:
    path = root / file
    if how == "-":
        path.unlink()
    elif how == "!":
        path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    elif how == "*":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(unescape(text))
    elif how == "+":
        path.write_bytes(path.read_bytes() + unescape(text))
    else:
        old, _, new = (unescape(part) for part in text.partition(" -> "))
        before = path.read_bytes()
        if before.count(old) == 0:
            raise ValueError(f"{file} does not have {old!r}")
        path.write_bytes(before.replace(old, new, 1))


def find(folder: Path, changes: list[tuple[str, str, str]]) -> list[str]:
    """What the lint finds in the sample with these changes."""
    root = folder / "sample"
    shutil.copytree(CASES / "sample", root)
    for each in changes:
        change(root, *each)
    return [str(each) for each in lint(root)]


def judge(folder: Path, wanted: list[str], changes: list[tuple[str, str, str]]) -> list[str]:
    found = find(folder, changes)
    return [f"not found: {each}" for each in wanted if each not in found] + [
        f"found too: {each}" for each in found if each not in wanted
    ]


def update(path: Path) -> None:
    """Writes down what is found: to be read before it is believed."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("> ")]
    cases = iter(read_cases(path))
    out: list[str] = []
    for line in lines:
        out.append(line)
        if line.startswith("= "):
            with tempfile.TemporaryDirectory(prefix="ig-conf-") as folder:
                out += [f"> {each}" for each in find(Path(folder), next(cases)[2])]
    path.write_text("\n".join(out) + "\n", "utf-8")


def main() -> int:
    tap = Tap()
    app = Path(sys.argv[1])
    found = [str(each) for each in lint(app)]
    if not (app / "appserver/static/pages").is_dir():
        print("# the app was built without its pages (npm was not reached)")
        found = [each for each in found if "loads appserver/static/pages/" not in each]
    tap.point("of the staged app: every key is known, every reference holds", found)
    for path in sorted(CASES.glob("*.txt")):
        if os.environ.get("UPDATE"):
            update(path)
        for name, wanted, changes in read_cases(path):
            with tempfile.TemporaryDirectory(prefix="ig-conf-") as folder:
                try:
                    complaints = judge(Path(folder), wanted, changes)
                except Exception as error:
                    complaints = [f"{type(error).__name__}: {error}"]
            tap.point(f"{path.stem}: {name}", complaints)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
