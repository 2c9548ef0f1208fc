"""What happened: one intrusion, told by the rows it left in the logs."""

from __future__ import annotations

from collections.abc import Iterator

import events
from events import Row
from world import ATTACKER, DOMAIN, FILE_SERVER, NASHUA, Dice, Machine, clock

SYSTEM32 = r"C:\Windows\System32"
WORD = r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE"
OUTLOOK = r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE"
CMD = rf"{SYSTEM32}\cmd.exe"
POWERSHELL = rf"{SYSTEM32}\WindowsPowerShell\v1.0\powershell.exe"
RUNDLL = rf"{SYSTEM32}\rundll32.exe"
SERVICES = rf"{SYSTEM32}\services.exe"
ARCHIVER = r"C:\ProgramData\7za.exe"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SyncTelemetry/2.1"
BACKUP_USER = "svc_backup"
BEAT_S = 60
BEATS = 270


def phishing(dice: Dice) -> Iterator[Row]:
    """09:12, an invoice that is none reaches two people; one opens it."""
    recipients = [f"mara@{DOMAIN}", f"j.ortiz@{DOMAIN}"]
    yield events.mail(
        clock(9, 12, 4.118),
        ATTACKER.sender,
        recipients,
        "Invoice INV-2291 is overdue",
        ATTACKER.mail_ip,
        [ATTACKER.lure_url],
        ATTACKER.document,
        ATTACKER.document_sha256,
    )
    yield events.dns(dice, clock(9, 20, 51.2), NASHUA, "portal.invoices.test", [ATTACKER.lure_ip])
    yield events.proxy(
        clock(9, 20, 51.9),
        NASHUA,
        [ATTACKER.lure_ip],
        ATTACKER.lure_url,
        "GET",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/131.0",
        611,
        20480,
    )


def document(dice: Dice) -> Iterator[Row]:
    """09:21, the document starts a chain of processes that ends in the implant."""
    user = NASHUA.user
    path = rf"C:\Users\{user}\Downloads\{ATTACKER.document}"
    yield events.file_written(
        clock(9, 21, 12.6), NASHUA, user, OUTLOOK, path, ATTACKER.document_sha256
    )
    yield events.process(clock(9, 21, 14.0), NASHUA, user, WORD, f'"{WORD}" /n "{path}"', OUTLOOK)
    yield events.process(
        clock(9, 21, 19.4), NASHUA, user, CMD, "cmd.exe /c powershell -w hidden -enc SQBFAFgA", WORD
    )
    yield events.process(
        clock(9, 21, 19.9), NASHUA, user, POWERSHELL, f'"{POWERSHELL}" -w hidden -enc SQBFAFgA', CMD
    )
    site = "cdn.sync-telemetry.example"
    yield events.dns(dice, clock(9, 21, 21.0), NASHUA, site, [ATTACKER.stage_ip])
    yield events.http(
        dice, clock(9, 21, 21.3), NASHUA, ATTACKER.stage_ip, ATTACKER.stage_url, AGENT, 311296
    )
    yield events.process_connects(
        clock(9, 21, 21.3), NASHUA, user, POWERSHELL, ATTACKER.stage_ip, 80
    )
    implant = ATTACKER.implant_path
    yield events.file_written(
        clock(9, 21, 23.8), NASHUA, user, POWERSHELL, implant, ATTACKER.implant_sha256
    )
    yield events.registry_set(
        clock(9, 21, 24.5),
        NASHUA,
        user,
        POWERSHELL,
        ATTACKER.run_key,
        f"rundll32.exe {implant},Start",
    )
    yield events.process(
        clock(9, 21, 25.1),
        NASHUA,
        user,
        RUNDLL,
        f"rundll32.exe {implant},Start",
        POWERSHELL,
        ATTACKER.implant_sha256,
    )


def beacon(dice: Dice, machine: Machine, start: float, beats: int, user: str) -> Iterator[Row]:
    """Every minute, give or take: a name looked up, a connection, a handshake, a request."""
    when = start
    for beat in range(beats):
        address = dice.random.choice(ATTACKER.c2.ips)
        uid = dice.uid()
        if beat % 5 == 0:
            yield events.dns(dice, when, machine, ATTACKER.c2.name, list(ATTACKER.c2.ips))
        sent, received = dice.number(480, 560), dice.number(300, 340)
        yield events.conn(dice, when + 0.04, machine, address, 443, "ssl", sent, received, uid)
        yield events.ssl(
            dice,
            when + 0.09,
            machine,
            address,
            ATTACKER.c2.name,
            ATTACKER.ja3,
            ATTACKER.ja3s,
            ATTACKER.certificate_sha1,
            uid,
        )
        if beat % 2 == 0:
            yield events.proxy(
                when + 0.2,
                machine,
                list(ATTACKER.c2.ips),
                f"https://{ATTACKER.c2.name}/v2/sync",
                "POST",
                AGENT,
                sent,
                received,
                "blocked" if beat % 40 == 0 else "allowed",
            )
        if beat % 30 == 0:
            yield events.process_connects(when + 0.05, machine, user, RUNDLL, address, 443)
        when += dice.near(BEAT_S, 0.1)


def lateral(dice: Dice) -> Iterator[Row]:
    """11:40, with a stolen service account from NASHUA to the file server."""
    for attempt in range(6):
        when = clock(11, 38, 10 + attempt * 7.3)
        yield events.logon(when, FILE_SERVER, "administrator", 3, NASHUA, good=False)
    yield events.logon(clock(11, 40, 2.5), FILE_SERVER, BACKUP_USER, 3, NASHUA)
    yield events.conn(
        dice, clock(11, 40, 2.1), NASHUA, FILE_SERVER.ip, 445, "smb,ntlm", 351232, 9120
    )
    remote = r"C:\Windows\SYNCSVC.exe"
    hash_of = ATTACKER.implant_sha256
    yield events.file_written(
        clock(11, 40, 4.4), FILE_SERVER, BACKUP_USER, "System", remote, hash_of
    )
    yield events.process(
        clock(11, 40, 5.0), FILE_SERVER, BACKUP_USER, remote, remote, SERVICES, hash_of
    )
    yield events.registry_set(
        clock(11, 40, 5.6),
        FILE_SERVER,
        BACKUP_USER,
        SERVICES,
        r"HKLM\System\CurrentControlSet\Services\SYNCSVC\ImagePath",
        remote,
    )
    yield events.dns(dice, clock(11, 40, 9.0), FILE_SERVER, ATTACKER.c2.name, [ATTACKER.c2_v6])
    yield events.process_connects(
        clock(11, 40, 9.2), FILE_SERVER, BACKUP_USER, remote, ATTACKER.c2_v6, 443
    )
    # The same address, written the long way by another tool.
    yield events.conn(
        dice,
        clock(11, 40, 9.3),
        FILE_SERVER,
        "2001:0DB8:0066:0000:0000:0000:0000:0010",
        443,
        "ssl",
        900,
        420,
    )


def exfiltration(dice: Dice) -> Iterator[Row]:
    """12:31, the finance share is packed and leaves."""
    archive = r"C:\ProgramData\finance_q3.7z"
    yield events.process(
        clock(12, 31, 7.0),
        FILE_SERVER,
        BACKUP_USER,
        ARCHIVER,
        rf"7za.exe a {archive} D:\Shares\Finance",
        r"C:\Windows\SYNCSVC.exe",
    )
    yield events.file_written(clock(12, 33, 40.2), FILE_SERVER, BACKUP_USER, ARCHIVER, archive)
    yield events.dns(
        dice,
        clock(12, 34, 1.0),
        FILE_SERVER,
        "drop.sync-telemetry.example",
        [ATTACKER.drop_ip],
    )
    for part in range(12):
        yield events.proxy(
            clock(12, 34, 2 + part * 21),
            FILE_SERVER,
            [ATTACKER.drop_ip],
            ATTACKER.drop_url,
            "POST",
            AGENT,
            4194304,
            290,
        )


def whole_story(dice: Dice) -> list[Row]:
    """Every row the intrusion left."""
    rows = [*phishing(dice), *document(dice)]
    rows += beacon(dice, NASHUA, clock(9, 21, 30), BEATS, NASHUA.user)
    rows += lateral(dice)
    rows += exfiltration(dice)
    return rows
