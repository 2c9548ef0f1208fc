"""A mail server over aiosmtpd (Debian: python3-aiosmtpd), for the tests: says what it took as JSON lines.

Usage: mail_server.py PORT CERTIFICATE [USER:PASSWORD]

With USER:PASSWORD it takes mail after STARTTLS and AUTH only. To never@... it says 550, to later@... 451.
"""

from __future__ import annotations

import json
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("never@"):
            return "550 5.1.1 no such person"
        if address.startswith("later@"):
            return "451 4.3.0 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        took = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "authenticated": bool(session.authenticated),
            "content": envelope.content.decode("utf-8", "replace"),
        }
        print(json.dumps(took), flush=True)
        return "250 OK"


def main() -> None:
    port, certificate = int(sys.argv[1]), sys.argv[2]
    known = sys.argv[3] if len(sys.argv) > 3 else ""

    def authenticate(server, session, envelope, mechanism, data):
        given = f"{data.login.decode()}:{data.password.decode()}" if data else ""
        return AuthResult(success=given == known)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    more = {"authenticator": authenticate, "auth_required": True} if known else {}
    controller = Controller(
        *(Handler(),), hostname="127.0.0.1", port=port, tls_context=tls,
        require_starttls=bool(known), **more,
    )
    controller.start()
    print(json.dumps({"ready": port}), flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
