#!/usr/bin/env python3
"""Hands off to a service that is known by name only, in a network with nothing but this process.

Usage: unshare -n -m by_name.py PROGRAM APP FOLDER

The name server answers UDP with the bit for "truncated" and no record, TCP with the address. The service has a
certificate for the name, and answers 401. Prints what was asked and what the analyst was told, as JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from splunkd import frame
from splunkd.certs import make_certificates

NAME = "graph.intelgraph.example"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
seen: dict[str, Any] = {"name": NAME, "udp": 0, "tcp": 0, "host": "", "told": ""}


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack("16xh14x", asked)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def answer(question: bytes, truncated: bool) -> bytes:
    """127.0.0.1 for A, nothing for other types; nothing at all where it is truncated."""
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack(">H", question[end - 4 : end - 2])
    has_record = kind == 1 and not truncated
    flags = 0x8580 | (0x0200 if truncated else 0)
    head = question[:2] + struct.pack(">HHHHH", flags, 1, int(has_record), 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
    return head + question[12:end] + (record if has_record else b"")


class Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        seen["udp"] += 1
        data, reply_to = self.request
        reply_to.sendto(answer(data, True), self.client_address)


class Tcp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while True:
            size = self.request.recv(2, socket.MSG_WAITALL)
            if len(size) < 2:
                return
            seen["tcp"] += 1
            data = self.request.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
            reply = answer(data, False)
            self.request.sendall(len(reply).to_bytes(2, "big") + reply)


class Service(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.rfile.read1(65536)
            if not more:
                return
            head += more
        for line in head.decode("latin-1").split("\r\n"):
            if line.lower().startswith("host:"):
                seen["host"] = line.split(":")[1].strip()
        self.wfile.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def serve(server: socketserver.BaseServer) -> None:
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> int:
    program, app, folder = (Path(word) for word in sys.argv[1:4])
    loopback_up()
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n", "ascii")
    subprocess.run(["mount", "--bind", resolv, Path("/etc/resolv.conf").resolve()], check=True)
    serve(socketserver.ThreadingUDPServer(("127.0.0.1", 53), Udp))
    serve(socketserver.ThreadingTCPServer(("127.0.0.1", 53), Tcp))

    make_certificates(folder / "auth", NAME, f"DNS:{NAME}")
    service = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Service)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "auth/server.pem")
    service.socket = context.wrap_socket(service.socket, server_side=True)
    serve(service)

    home = folder / "splunk"
    installed = home / "etc/apps/intelgraph"
    shutil.copytree(app, installed)
    (installed / "local").mkdir()
    token = home / "etc/token"
    token.write_text("igt_none", "ascii")
    token.chmod(0o600)
    (installed / "local/intelgraph.conf").write_text(
        f"[instance:default]\nurl = https://{NAME}:{service.server_address[1]}/\ntenant = acme\n"
        f"credential = file:{token}\nca_file = {folder}/auth/cacert.pem\n",
        "ascii",
    )
    info = {"args": [], "raw_args": [], "dispatch_dir": "", "sid": "1763863200.42", "app": "search", "owner": "mara",
            "username": "mara", "session_key": "x" * 40, "command": "ighandoff", "splunk_version": "9.4.6",
            "splunkd_uri": "https://127.0.0.1:8089", "search": "search%20index%3Dproxy"}
    given = frame.encode({"action": "getinfo", "preview": False, "searchinfo": info})
    given += frame.encode({"action": "execute", "finished": True}, b"src\n192.0.2.7\n")
    path = installed / f"linux_{os.uname().machine}/bin/intelgraph"
    assert path.read_bytes() == program.read_bytes()
    done = subprocess.run([path, "ighandoff"], input=given, capture_output=True, check=True, timeout=60,
                          env={"SPLUNK_HOME": str(home)}, cwd=installed / "bin")
    seen["told"] = "\n".join(str(reply.meta.get("inspector", reply.meta.get("error", ""))) for reply in
                             frame.split_stream(done.stdout))
    print(json.dumps(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
