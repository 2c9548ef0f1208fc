// What an admin pastes or picks as certificate authority: certificates in PEM, and nothing else.
// The sentence says what is wrong; whether a chain can be built with them only the native side says.

const block = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END ([A-Z0-9 ]+)-----/g;
const limit = 65536; // intelgraph.conf.spec, ca_pem

const kinds = {
    "CERTIFICATE REQUEST": "a request for a certificate, not the certificate",
    "NEW CERTIFICATE REQUEST": "a request for a certificate, not the certificate",
    "PUBLIC KEY": "a public key, not the certificate around it",
    "X509 CRL": "a list of revoked certificates",
    PKCS7: "a PKCS#7 bundle; save the certificates in it as PEM",
    "TRUSTED CERTIFICATE": "OpenSSL's own trusted form; save it as a plain certificate",
};

// A DER sequence that fills the bytes exactly: the outermost layer of every certificate.
function isSequence(bytes) {
    if (bytes.length < 4 || bytes.charCodeAt(0) !== 0x30) return false;
    const first = bytes.charCodeAt(1);
    const count = first & 0x7f;
    if (first < 0x80) return bytes.length === 2 + first;
    if (count === 0 || count > 3) return false;
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + bytes.charCodeAt(2 + i);
    return bytes.length === 2 + count + length;
}

function bytesOf(base64) {
    const text = base64.replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
    try {
        return atob(text);
    } catch {
        return null;
    }
}

function wrongBlock([, begin, body, end], number) {
    const which = number === 1 ? "The certificate" : `Certificate ${number}`;
    if (/PRIVATE KEY/.test(begin))
        return (
            "This holds a private key, which must never stand in a conf file. Paste only the " +
            "authority's certificate, and treat the key as known to others if you had saved it."
        );
    if (begin !== "CERTIFICATE")
        return `This holds ${kinds[begin] ?? `"${begin}"`}. Paste the authority's certificate in PEM.`;
    if (end !== begin) return `${which} has no END CERTIFICATE line of its own.`;
    const bytes = bytesOf(body);
    if (bytes === null) return `${which} is damaged: there is something else than base64 in it.`;
    if (!isSequence(bytes)) return `${which} is damaged or cut: copy it again, as a whole.`;
    return "";
}

// {count, wrong}: how many certificates the text holds, and a sentence when it cannot be taken.
export function readCertificates(text) {
    if (!text.trim()) return {count: 0, wrong: "Paste a certificate, or choose another source."};
    if (text.length > limit)
        return {
            count: 0,
            wrong: `This is longer than ${limit} characters: keep only the authority.`,
        };
    const blocks = [...text.matchAll(block)];
    if (blocks.length === 0) {
        const cut = text.includes("-----BEGIN ");
        return {
            count: 0,
            wrong: cut
                ? "The certificate is cut: its END CERTIFICATE line is missing."
                : "This is no PEM certificate: it must begin with -----BEGIN CERTIFICATE-----. " +
                  "A binary .der or .cer file must be turned into PEM first.",
        };
    }
    for (let i = 0; i < blocks.length; i++) {
        const wrong = wrongBlock(blocks[i], i + 1);
        if (wrong) return {count: 0, wrong};
    }
    const opened = text.split("-----BEGIN ").length - 1;
    if (opened !== blocks.length)
        return {count: 0, wrong: "A certificate is cut: its END CERTIFICATE line is missing."};
    return {count: blocks.length, wrong: ""};
}

// Only the certificates, without what stands around them.
export function certificatesOnly(text) {
    return [...text.matchAll(block)]
        .map(([whole]) => `${whole.replace(/\r\n?/g, "\n")}\n`)
        .join("");
}

// A conf file has one line for a value: each line end is written as the two characters \n.
export const toConfLine = (text) => text.replace(/\r\n?/g, "\n").replace(/\n/g, "\\n");
export const fromConfLine = (line) => line.replace(/\\n/g, "\n");
