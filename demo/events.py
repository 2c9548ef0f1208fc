"""One function a log source: what happened in, a row as Splunk's search would give it out.

Field names are those of the Common Information Model as the usual add-ons set them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from world import MAIL_GATEWAY, NETBIOS, RESOLVER, Dice, Machine

Row = dict[str, Any]


def _row(when: float, index: str, sourcetype: str, host: str, source: str, raw: str) -> Row:
    return {
        "_time": f"{when:.3f}",
        "_raw": raw,
        "index": index,
        "sourcetype": sourcetype,
        "host": host,
        "source": source,
    }


def _iso(when: float) -> str:
    stamp = datetime.fromtimestamp(when, UTC)
    return stamp.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _zeek(when: float, log: str, fields: Row, raw: Row) -> Row:
    text = json.dumps({"_path": log, "ts": _iso(when), **raw}, separators=(",", ":"))
    base = _row(when, "network", f"bro:{log}:json", "zeek01", f"/opt/zeek/logs/{log}.log", text)
    return {**base, **{name: value for name, value in fields.items() if value != ""}}


def conn(
    dice: Dice,
    when: float,
    src: Machine,
    dest_ip: str,
    dest_port: int,
    service: str,
    sent: int,
    received: int,
    uid: str = "",
) -> Row:
    """zeek conn."""
    uid = uid or dice.uid()
    port = dice.port()
    seconds = round(dice.near(0.4, 0.8), 6)
    fields = {
        "uid": uid,
        "src": src.ip,
        "src_ip": src.ip,
        "src_port": str(port),
        "src_mac": src.mac,
        "dest": dest_ip,
        "dest_ip": dest_ip,
        "dest_port": str(dest_port),
        "transport": "udp" if dest_port in (53, 123) else "tcp",
        "app": service or "-",
        "bytes_out": str(sent),
        "bytes_in": str(received),
        "duration": str(seconds),
        "action": "allowed",
    }
    raw = {
        "uid": uid,
        "id.orig_h": src.ip,
        "id.orig_p": port,
        "id.resp_h": dest_ip,
        "id.resp_p": dest_port,
        "proto": fields["transport"],
        "service": service or None,
        "duration": seconds,
        "orig_bytes": sent,
        "resp_bytes": received,
        "conn_state": "SF",
    }
    return _zeek(when, "conn", fields, raw)


def dns(
    dice: Dice, when: float, src: Machine, query: str, answers: list[str], code: str = "NOERROR"
) -> Row:
    """zeek dns; several answers make a multivalue field."""
    uid = dice.uid()
    kind = "AAAA" if any(":" in answer for answer in answers) else "A"
    fields = {
        "uid": uid,
        "src": src.ip,
        "src_ip": src.ip,
        "src_port": str(dice.port()),
        "dest": RESOLVER,
        "dest_ip": RESOLVER,
        "dest_port": "53",
        "query": query,
        "answers": answers or "-",
        "record_type": kind,
        "reply_code": code,
    }
    raw = {
        "uid": uid,
        "id.orig_h": src.ip,
        "id.resp_h": RESOLVER,
        "query": query,
        "qtype_name": kind,
        "rcode_name": code,
        "answers": answers,
    }
    return _zeek(when, "dns", fields, raw)


def ssl(
    dice: Dice,
    when: float,
    src: Machine,
    dest_ip: str,
    server_name: str,
    ja3: str,
    ja3s: str = "",
    certificate: str = "",
    uid: str = "",
) -> Row:
    """zeek ssl."""
    uid = uid or dice.uid()
    fields = {
        "uid": uid,
        "src": src.ip,
        "src_ip": src.ip,
        "dest": dest_ip,
        "dest_ip": dest_ip,
        "dest_port": "443",
        "server_name": server_name,
        "ja3": ja3,
        "ja3s": ja3s,
        "ssl_hash": certificate,
        "ssl_version": "TLSv12",
    }
    raw = {
        "uid": uid,
        "id.orig_h": src.ip,
        "id.resp_h": dest_ip,
        "version": "TLSv12",
        "server_name": server_name,
        "ja3": ja3,
        "ja3s": ja3s,
    }
    return _zeek(when, "ssl", fields, raw)


def http(
    dice: Dice, when: float, src: Machine, dest_ip: str, url: str, agent: str, size: int
) -> Row:
    """zeek http."""
    uid = dice.uid()
    site, _, path = url.partition("://")[2].partition("/")
    fields = {
        "uid": uid,
        "src": src.ip,
        "src_ip": src.ip,
        "dest": site,
        "dest_ip": dest_ip,
        "dest_port": "80",
        "url": url,
        "url_domain": site,
        "http_method": "GET",
        "http_user_agent": agent,
        "status": "200",
        "bytes_in": str(size),
    }
    raw = {
        "uid": uid,
        "id.orig_h": src.ip,
        "id.resp_h": dest_ip,
        "host": site,
        "uri": f"/{path}",
        "method": "GET",
        "user_agent": agent,
        "status_code": 200,
    }
    return _zeek(when, "http", fields, raw)


def proxy(
    when: float,
    src: Machine,
    dest_ips: list[str],
    url: str,
    method: str,
    agent: str,
    sent: int,
    received: int,
    action: str = "allowed",
) -> Row:
    """The web proxy. Who did not sign in is `-`; a name with several addresses gives them all."""
    site = url.partition("://")[2].partition("/")[0]
    user = f"{NETBIOS.lower()}\\{src.user}" if src.user else "-"
    status = "403" if action == "blocked" else "200"
    raw = (
        f"{when:.3f} 312 {src.ip} TCP_MISS/{status} {received} {method} {url} {user} "
        f'DIRECT/{dest_ips[0]} "{agent}"'
    )
    fields = {
        "src": src.ip,
        "src_ip": src.ip,
        "user": user,
        "dest": site,
        "dest_ip": dest_ips,
        "url": url,
        "http_method": method,
        "http_user_agent": agent,
        "http_referrer": "-",
        "status": status,
        "action": action,
        "bytes_out": str(sent),
        "bytes_in": str(received),
    }
    return {
        **_row(when, "proxy", "squid:access", "proxy01", "/var/log/squid/access.log", raw),
        **fields,
    }


def _windows(when: float, machine: Machine, channel: str, code: int, fields: Row) -> Row:
    data = "".join(
        f"<Data Name='{name}'>{value}</Data>" for name, value in fields.items() if value != ""
    )
    raw = (
        f"<Event><System><EventID>{code}</EventID><TimeCreated SystemTime='{_iso(when)}'/>"
        f"<Computer>{machine.fqdn}</Computer></System><EventData>{data}</EventData></Event>"
    )
    base = _row(when, "windows", "XmlWinEventLog", machine.name, f"XmlWinEventLog:{channel}", raw)
    return {
        **base,
        "EventCode": str(code),
        "signature_id": str(code),
        "dvc": machine.name,
        **fields,
    }


def logon(
    when: float, machine: Machine, user: str, kind: int, source: Machine | None, good: bool = True
) -> Row:
    """Security 4624 and 4625. A logon at the machine itself has no source."""
    return _windows(
        when,
        machine,
        "Security",
        4624 if good else 4625,
        {
            "user": f"{NETBIOS}\\{user}",
            "src_ip": source.ip if source else "-",
            "dest": machine.name,
            "Workstation_Name": source.name if source else machine.name,
            "Logon_Type": str(kind),
            "action": "success" if good else "failure",
            "process_name": "N/A" if kind == 3 else "-",
        },
    )


def _sysmon(when: float, machine: Machine, code: int, user: str, fields: Row) -> Row:
    common = {"user": f"{NETBIOS}\\{user}", "dest": machine.name, "vendor_product": "Sysmon"}
    return _windows(when, machine, "Microsoft-Windows-Sysmon/Operational", code, common | fields)


def process(
    when: float,
    machine: Machine,
    user: str,
    path: str,
    command: str,
    parent_path: str,
    file_hash: str = "",
) -> Row:
    """Sysmon 1: a process starts."""
    fields = {
        "process": command,
        "process_name": path.rsplit("\\", 1)[-1],
        "process_path": path,
        "parent_process_path": parent_path,
        "parent_process_name": parent_path.rsplit("\\", 1)[-1],
        "process_hash": file_hash,
    }
    return _sysmon(when, machine, 1, user, {k: v for k, v in fields.items() if v})


def process_connects(
    when: float, machine: Machine, user: str, path: str, dest_ip: str, port: int
) -> Row:
    """Sysmon 3: a process opens a connection."""
    fields = {
        "process_name": path.rsplit("\\", 1)[-1],
        "process_path": path,
        "src": machine.name,
        "src_ip": machine.ip,
        "dest": dest_ip,
        "dest_ip": dest_ip,
        "dest_port": str(port),
        "transport": "tcp",
    }
    return _sysmon(when, machine, 3, user, fields)


def file_written(
    when: float, machine: Machine, user: str, path: str, target: str, file_hash: str = ""
) -> Row:
    """Sysmon 11: a process writes a file."""
    fields = {
        "process_name": path.rsplit("\\", 1)[-1],
        "process_path": path,
        "file_path": target,
        "file_name": target.rsplit("\\", 1)[-1],
        "file_hash": file_hash,
        "action": "created",
    }
    return _sysmon(when, machine, 11, user, {k: v for k, v in fields.items() if v})


def registry_set(when: float, machine: Machine, user: str, path: str, key: str, data: str) -> Row:
    """Sysmon 13: a process sets a registry value."""
    fields = {
        "process_name": path.rsplit("\\", 1)[-1],
        "process_path": path,
        "registry_path": key,
        "registry_value_data": data,
        "action": "modified",
    }
    return _sysmon(when, machine, 13, user, fields)


def mail(
    when: float,
    sender: str,
    recipients: list[str],
    subject: str,
    src_ip: str,
    urls: list[str],
    attachment: str = "",
    attachment_hash: str = "",
) -> Row:
    """The mail gateway, which writes addresses of the web defanged."""
    shown = [url.replace("http", "hxxp", 1).replace(".", "[.]") for url in urls]
    raw = (
        f"{_iso(when)} gateway=delivered from=<{sender}> to=<{','.join(recipients)}> "
        f'subject="{subject}" ip={src_ip} urls={" ".join(shown) or "-"} file={attachment or "-"}'
    )
    fields: Row = {
        "sender": sender,
        "recipient": recipients,
        "subject": subject,
        "src_ip": src_ip,
        "url": shown or "-",
        "file_name": attachment or "-",
        "file_hash": attachment_hash or "unknown",
        "action": "delivered",
    }
    base = _row(when, "email", "mail:gateway", MAIL_GATEWAY.name, "gateway", raw)
    return {**base, **fields}
