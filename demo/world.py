"""The company of the demo: its people, its machines, the sites they use, and who attacks them.

Inside addresses are private (RFC 1918). Everything outside is from ranges and names reserved for
documentation or testing (RFC 5737, 3849, 2544, 2606): no row of the demo points at anyone real.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

START = datetime(2026, 11, 17, 8, 0, tzinfo=UTC).timestamp()
HOURS = 6
SEED = 20261117

DOMAIN = "meridian.example"
NETBIOS = "MERIDIAN"
RESOLVER = "10.20.5.10"


@dataclass(frozen=True)
class Machine:
    """A host and the person in front of it."""

    name: str
    ip: str
    mac: str
    user: str = ""

    @property
    def fqdn(self) -> str:
        return f"{self.name.lower()}.{DOMAIN}"


@dataclass(frozen=True)
class Site:
    """A place outside."""

    name: str
    ips: tuple[str, ...]


def _mac(number: int) -> str:
    return f"02:1a:4d:20:{number // 256:02x}:{number % 256:02x}"


TOWNS = (
    "KEENE DOVER EXETER HUDSON SALEM DERRY CONWAY PELHAM WINDHAM HOLLIS BEDFORD HANOVER LEBANON "
    "MILFORD GORHAM BERLIN LITTLETON PLYMOUTH LACONIA TILTON HENNIKER WEARE GOFFSTOWN HOOKSETT"
).split()
PEOPLE = (
    "a.novak b.silva c.moreau d.okafor e.lindqvist f.rossi g.tanaka h.kumar i.petrov k.weber "
    "l.santos m.dubois n.haddad o.jensen p.nowak q.chen r.murphy s.ivanova t.yilmaz u.keller "
    "v.horvat w.adams x.li y.cohen"
).split()

NASHUA = Machine("NASHUA", "10.20.14.37", _mac(37), "j.ortiz")
SOC = Machine("MERRIMACK", "10.20.14.12", _mac(12), "mara")
FILE_SERVER = Machine("CONCORD", "10.20.5.20", _mac(520))
DOMAIN_CONTROLLER = Machine("MANCHESTER", RESOLVER, _mac(510))
MAIL_GATEWAY = Machine("PORTSMOUTH", "10.20.5.40", _mac(540))
OFFICE = [
    Machine(town, f"10.20.14.{60 + n}", _mac(60 + n), person)
    for n, (town, person) in enumerate(zip(TOWNS, PEOPLE, strict=True))
]

GOOD_SITES = [
    Site(name, (f"198.18.{n}.{10 + n}", f"198.18.{n}.{140 + n}"))
    for n, name in enumerate(
        (
            "www.example.com updates.example.com cdn.example.com mail.example.com "
            "crm.example.net files.example.net static.example.net login.example.net "
            "news.example.org wiki.example.org travel.example.org maps.example.org "
            "time.example.com weather.example.org bank.example.net packages.example.com"
        ).split()
    )
]


@dataclass(frozen=True)
class Attacker:
    """What the intruder brings."""

    mail_domain: str = "invoices.test"
    sender: str = "billing@invoices.test"
    mail_ip: str = "198.51.100.23"
    lure_url: str = "https://portal.invoices.test/i/2291"
    lure_ip: str = "198.51.100.24"
    stage_url: str = "http://cdn.sync-telemetry.example/u/st.dat"
    stage_ip: str = "203.0.113.61"
    c2: Site = field(
        default_factory=lambda: Site("api.sync-telemetry.example", ("203.0.113.66", "203.0.113.67"))
    )
    c2_v6: str = "2001:db8:66::10"
    drop_url: str = "https://drop.sync-telemetry.example/u"
    drop_ip: str = "203.0.113.90"
    document: str = "Invoice_INV-2291.docm"
    implant_path: str = r"C:\Users\j.ortiz\AppData\Roaming\SyncTelemetry\st.dll"
    run_key: str = r"HKU\S-1-5-21-1004\Software\Microsoft\Windows\CurrentVersion\Run\SyncTelemetry"

    @property
    def document_sha256(self) -> str:
        return sha256(self.document)

    @property
    def implant_sha256(self) -> str:
        return sha256(self.implant_path)

    @property
    def ja3(self) -> str:
        return md5("implant client hello")

    @property
    def ja3s(self) -> str:
        return md5("implant server hello")

    @property
    def certificate_sha1(self) -> str:
        return hashlib.sha1(self.c2.name.encode()).hexdigest()


ATTACKER = Attacker()
BROWSER_JA3 = [hashlib.md5(f"browser {n}".encode()).hexdigest() for n in range(4)]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Dice:
    """The one source of chance: the same seed gives the same rows."""

    def __init__(self, seed: int = SEED) -> None:
        self.random = random.Random(seed)

    def port(self) -> int:
        return self.random.randrange(49152, 65535)

    def near(self, value: float, spread: float) -> float:
        return value * (1 + self.random.uniform(-spread, spread))

    def uid(self) -> str:
        """An identifier as Zeek makes them."""
        letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        return "C" + "".join(self.random.choices(letters, k=17))

    def number(self, low: int, high: int) -> int:
        return self.random.randrange(low, high)


def clock(hour: int, minute: int, second: float = 0) -> float:
    """A time of the demo's day, UTC."""
    midnight = START - 8 * 3600
    return midnight + hour * 3600 + minute * 60 + second
