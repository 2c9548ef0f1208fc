"""The ordinary day around the story: people browse, log on, read mail; machines talk."""

from __future__ import annotations

from collections.abc import Iterator

import events
from events import Row
from world import (
    BROWSER_JA3,
    DOMAIN,
    DOMAIN_CONTROLLER,
    FILE_SERVER,
    GOOD_SITES,
    HOURS,
    NASHUA,
    OFFICE,
    SOC,
    START,
    Dice,
    Machine,
    Site,
    sha256,
)

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/131.0",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0",
)
PATHS = ("", "news/today", "search?q=quarter+report", "img/logo.png", "api/v1/items", "login")
PROGRAMS = (
    r"C:\Windows\System32\svchost.exe",
    r"C:\Windows\explorer.exe",
    r"C:\Program Files\Office\EXCEL.EXE",
    r"C:\Program Files\Browser\browser.exe",
    r"C:\Program Files\Chat\chat.exe",
)
SUBJECTS = ("Lunch on Thursday?", "Minutes of the meeting", "Re: quarter figures", "Rooms moved")


def _when(dice: Dice) -> float:
    return START + dice.random.random() * HOURS * 3600


def browsing(dice: Dice, machines: list[Machine], visits: int) -> Iterator[Row]:
    """A visit is a look-up, a handshake, a connection and what the proxy saw of it."""
    for _ in range(visits):
        machine = dice.random.choice(machines)
        yield from _visit(dice, machine, dice.random.choice(GOOD_SITES), _when(dice))


def _visit(dice: Dice, machine: Machine, site: Site, when: float) -> Iterator[Row]:
    address = dice.random.choice(site.ips)
    agent = dice.random.choice(AGENTS)
    path = dice.random.choice(PATHS)
    uid = dice.uid()
    sent, received = dice.number(300, 4000), dice.number(2000, 400000)
    yield events.dns(dice, when, machine, site.name, list(site.ips))
    if dice.random.random() < 0.2:
        url = f"http://{site.name}/{path}"
        yield events.http(dice, when + 0.1, machine, address, url, agent, received)
        return
    ja3 = dice.random.choice(BROWSER_JA3)
    yield events.conn(dice, when + 0.05, machine, address, 443, "ssl", sent, received, uid)
    yield events.ssl(dice, when + 0.1, machine, address, site.name, ja3, uid=uid)
    url = f"https://{site.name}/{path}"
    yield events.proxy(when + 0.2, machine, list(site.ips), url, "GET", agent, sent, received)


def logons(dice: Dice, count: int) -> Iterator[Row]:
    """Mornings at the desk, shares through the day, a wrong password now and then."""
    for _ in range(count):
        machine = dice.random.choice(OFFICE)
        good = dice.random.random() > 0.05
        if dice.random.random() < 0.4:
            yield events.logon(_when(dice), machine, machine.user, 2, None, good)
        else:
            server = dice.random.choice((FILE_SERVER, DOMAIN_CONTROLLER))
            yield events.logon(_when(dice), server, machine.user, 3, machine, good)


def programs(dice: Dice, count: int) -> Iterator[Row]:
    """Processes start, write their files, keep their settings."""
    for _ in range(count):
        machine = dice.random.choice(OFFICE)
        path = dice.random.choice(PROGRAMS)
        when = _when(dice)
        yield events.process(
            when, machine, machine.user, path, f'"{path}"', PROGRAMS[1], sha256(path)
        )
        if dice.random.random() < 0.3:
            target = rf"C:\Users\{machine.user}\AppData\Local\Temp\{dice.number(1000, 9999)}.tmp"
            yield events.file_written(when + 1, machine, machine.user, path, target)
        if dice.random.random() < 0.1:
            key = r"HKCU\Software\Example\Recent\LastFile"
            yield events.registry_set(when + 2, machine, machine.user, path, key, "report.xlsx")


def mails(dice: Dice, count: int) -> Iterator[Row]:
    """Colleagues write to each other, and the newsletter to everybody."""
    for number in range(count):
        people = dice.random.sample(OFFICE, k=dice.number(1, 4) + 1)
        sender = f"{people[0].user}@{DOMAIN}"
        recipients = [f"{person.user}@{DOMAIN}" for person in people[1:]]
        urls = ["https://wiki.example.org/minutes"] if number % 6 == 0 else []
        subject = dice.random.choice(SUBJECTS)
        yield events.mail(_when(dice), sender, recipients, subject, people[0].ip, urls)


def share_traffic(dice: Dice, count: int) -> Iterator[Row]:
    """Files from the server, time from the clock."""
    for number in range(count):
        machine = dice.random.choice(OFFICE)
        if number % 3:
            size = dice.number(2000, 90000)
            yield events.conn(dice, _when(dice), machine, FILE_SERVER.ip, 445, "smb", 4000, size)
        else:
            yield events.conn(dice, _when(dice), machine, DOMAIN_CONTROLLER.ip, 123, "ntp", 48, 48)


def own_noise(dice: Dice) -> list[Row]:
    """What j.ortiz did all the same on NASHUA."""
    user = NASHUA.user
    rows = [events.logon(START + 512.3, NASHUA, user, 2, None)]
    for site in GOOD_SITES[:3]:
        for _ in range(2):
            rows += _visit(dice, NASHUA, site, _when(dice))
    path = PROGRAMS[2]
    rows.append(events.process(START + 1800.7, NASHUA, user, path, f'"{path}"', PROGRAMS[1]))
    return rows


def whole_day(dice: Dice) -> list[Row]:
    """Everything that is not the story and not on NASHUA."""
    rows = [*browsing(dice, [*OFFICE, SOC], 880), *logons(dice, 420), *programs(dice, 450)]
    rows += [*mails(dice, 150), *share_traffic(dice, 500)]
    return rows
