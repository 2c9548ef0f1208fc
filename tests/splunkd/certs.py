"""The certificates of a fresh Splunk: its own authority, and server.pem with the default name."""

from __future__ import annotations

import subprocess
from pathlib import Path

AUTHORITY = "SplunkCommonCA"
DEFAULT_NAME = "SplunkServerDefaultCert"


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr[-400:]}")


def make_certificates(auth: Path, name: str = DEFAULT_NAME, alternatives: str = "") -> None:
    """etc/auth with cacert.pem and server.pem: certificate, key and authority in one file.

    Like Splunk's own, the certificate has only a common name, unless `alternatives` gives it some.
    """
    auth.mkdir(parents=True, exist_ok=True)
    ca, ca_key = auth / "cacert.pem", auth / "ca.key"
    key, request, cert = auth / "server.key", auth / "server.csr", auth / "server.crt"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl(
        *("req", "-x509", *curve, "-days", "3650", "-subj", f"/O=Splunk/CN={AUTHORITY}"),
        *("-keyout", str(ca_key), "-out", str(ca)),
    )
    _openssl(
        *("req", *curve, "-subj", f"/O=SplunkUser/CN={name}"),
        *("-keyout", str(key), "-out", str(request)),
    )
    words = ["x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key)]
    words += ["-CAcreateserial", "-days", "1095", "-out", str(cert)]
    if alternatives:
        extensions = auth / "server.ext"
        extensions.write_text(f"subjectAltName={alternatives}\n", "utf-8")
        words += ["-extfile", str(extensions)]
    _openssl(*words)
    whole = "".join(part.read_text("utf-8") for part in (cert, key, ca))
    (auth / "server.pem").write_text(whole, "utf-8")
    (auth / "server.pem").chmod(0o600)
