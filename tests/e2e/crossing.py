"""What stands between a search head and the service: certificates, a TLS front, a proxy."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .harness import free_port

HEAD_MAX = 8192
WAIT_S = 10.0


def openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr[-400:]}")


class Authority:
    """A certificate authority, and what it signs."""

    CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.cert, self._key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", *self.CURVE, "-nodes", "-days", "30", "-subj", f"/CN={name}",
                "-keyout", str(self._key), "-out", str(self.cert))

    @property
    def pem(self) -> str:
        return self.cert.read_text("ascii")

    def sign(self, name: str, names: str = "", days: int = 20) -> tuple[Path, Path]:
        """Certificate and key for subjectAltName `names`; days below 0: it has ended."""
        key, request, cert = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        openssl("req", *self.CURVE, "-nodes", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n" if names else "", "ascii")
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.cert), "-CAkey", str(self._key),
                "-CAcreateserial", "-days", str(days), "-out", str(cert), "-extfile", str(extensions))
        key.chmod(0o600)
        return cert, key


FRONT = """global
    maxconn 100
defaults
    mode http
    timeout connect 3s
    timeout client 10s
    timeout server 10s
frontend front
    bind 127.0.0.1:{port} ssl crt {pem} {asks}
    default_backend service
backend service
    server only 127.0.0.1:{service}
"""


@contextlib.contextmanager
def front(folder: Path, cert: tuple[Path, Path], service: int, clients: Authority | None = None,
          most: str = "") -> Iterator[str]:
    """HAProxy before the service, speaking TLS; gives its address. With `clients` it wants a certificate of
    that authority."""
    port = free_port()
    pem = folder / f"front{port}.pem"
    pem.write_text("".join(part.read_text("ascii") for part in cert), "ascii")
    asks = f"ca-file {clients.cert} verify required" if clients else ""
    config = folder / f"front{port}.cfg"
    config.write_text(FRONT.format(port=port, pem=pem, asks=f"{asks} {most}", service=service), "ascii")
    child = subprocess.Popen(["haproxy", "-db", "-q", "-f", str(config)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError("haproxy does not listen") from None
                time.sleep(0.02)
        yield f"https://127.0.0.1:{port}/"
    finally:
        child.terminate()
        child.wait()


@dataclass
class Proxy:
    """A forward proxy that takes CONNECT alone and says no to everything that is not in order."""

    user: str = ""  # "user:password" that it asks for
    status: int = 200  # what it answers to CONNECT
    cert: tuple[Path, Path] | None = None  # speaks TLS itself
    asked: list[str] = field(default_factory=list)  # heads of requests, as they came
    complaints: list[str] = field(default_factory=list)

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._context = None
        if self.cert:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*map(str, self.cert))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.cert else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(peer,), daemon=True).start()

    def _serve_one(self, peer: socket.socket) -> None:
        peer.settimeout(WAIT_S)
        with contextlib.suppress(OSError), peer:
            if self._context:
                with self._context.wrap_socket(peer, server_side=True) as inner:
                    self._talk(inner)
            else:
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            got = peer.recv(1)
            if not got or len(head) > HEAD_MAX:
                self.complaints.append(f"no whole head: {head[:80]!r}")
                return
            head += got
        self.asked.append(head.decode("latin-1"))
        status, target = self._judge(head)
        if status != 200:
            extra = 'Proxy-Authenticate: Basic realm="proxy"\r\n' if status == 407 else ""
            peer.sendall(f"HTTP/1.1 {status} No\r\n{extra}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        with socket.create_connection(target, WAIT_S) as far:
            peer.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            pump(peer, far)

    def _judge(self, head: bytes) -> tuple[int, tuple[str, int]]:
        """The status, and where to connect."""
        first, *fields = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        if len(words) != 3 or words[0] != "CONNECT" or not words[2].startswith("HTTP/1."):
            self.complaints.append(f"not CONNECT: {first!r}")
            return 405, ("", 0)
        if headers.get("host") != words[1]:
            self.complaints.append(f"Host is {headers.get('host')!r} in {first!r}")
        if "authorization" in headers:
            self.complaints.append("the service's token was sent to the proxy")
        if self.user:
            import base64

            wanted = "Basic " + base64.b64encode(self.user.encode()).decode()
            if headers.get("proxy-authorization") != wanted:
                return 407, ("", 0)
        host, _, port = words[1].rpartition(":")
        return self.status, (host.strip("[]"), int(port))


def pump(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways until a side ends."""
    while True:
        pending = isinstance(one, ssl.SSLSocket) and one.pending() > 0
        ready = [one] if pending else select.select([one, other], [], [], WAIT_S)[0]
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
