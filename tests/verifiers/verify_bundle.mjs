// Verifies receipts as Sigstore bundles with @sigstore/verify: signature, inclusion, signed head.
//
// Usage: verify_bundle.mjs VKEY-FILE BUNDLE-FILE [--handoff ID] [--sha256 HEX]
//        verify_bundle.mjs --check     ends with 0 when the library runs here
//
// All it trusts is one C2SP verifier key, that of the log of receipts. With --handoff and --sha256 the
// statement must be about that hand-off and that content: what the Splunk side recorded.
import {readFileSync} from 'node:fs';
import {createHash} from 'node:crypto';

const STATEMENT = 'https://in-toto.io/Statement/v1';
const PREDICATE = 'urn:intelgraph:handoff-receipt:v1';
const SPKI = Buffer.from('302a300506032b6570032100', 'hex'); // RFC 8410

function trust({toTrustMaterial}, {PublicKeyDetails}, vkey) {
    const [, name, hash, base64] = /^(\S+?)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trim());
    const typed = Buffer.from(base64, 'base64');
    const rawBytes = Buffer.concat([SPKI, typed.subarray(1)]);
    const keyId = createHash('sha256').update(`${name}\n`).update(typed).digest();
    if (keyId.subarray(0, 4).toString('hex') !== hash) throw new Error('the vkey has another hash');
    const publicKey = {rawBytes, keyDetails: PublicKeyDetails.PKIX_ED25519};
    const log = {baseUrl: name, logId: {keyId}, publicKey};
    const hint = createHash('sha256').update(rawBytes).digest('base64');
    return toTrustMaterial(
        {certificateAuthorities: [], timestampAuthorities: [], tlogs: [log], ctlogs: []},
        {[hint]: {rawBytes: rawBytes.toString('base64')}});
}

function checkStatement(bundle, wanted) {
    const envelope = bundle.content.dsseEnvelope;
    if (envelope.payloadType !== 'application/vnd.in-toto+json') throw new Error('not in-toto');
    const statement = JSON.parse(envelope.payload.toString('utf8'));
    if (statement._type !== STATEMENT || statement.predicateType !== PREDICATE)
        throw new Error('the statement is of another type');
    const [subject] = statement.subject;
    if (wanted.handoff && subject.name !== wanted.handoff)
        throw new Error('the statement is about another hand-off');
    if (wanted.sha256 && subject.digest.sha256 !== wanted.sha256)
        throw new Error('the statement is about other content than the one recorded');
    return statement;
}

const [sigstoreBundle, specs, sigstore] = await Promise.all([
    import('@sigstore/bundle'), import('@sigstore/protobuf-specs'), import('@sigstore/verify')]);
const [first, second, ...rest] = process.argv.slice(2);
if (first !== '--check') {
    const wanted = {};
    for (let i = 0; i < rest.length; i += 2) wanted[rest[i].slice(2)] = rest[i + 1];
    try {
        const material = trust(sigstore, specs, readFileSync(first, 'utf8'));
        const bundle = sigstoreBundle.bundleFromJSON(JSON.parse(readFileSync(second, 'utf8')));
        // The key is known for as long as the log is: there is no certificate that a time must be
        // shown for. One proof of inclusion is demanded.
        const verifier = new sigstore.Verifier(material, {
            tlogThreshold: 1, timestampThreshold: 0, ctlogThreshold: 0});
        verifier.verify(sigstore.toSignedEntity(bundle));
        const statement = checkStatement(bundle, wanted);
        console.log(`good: receipt of ${statement.subject[0].name}`);
    } catch (error) {
        console.log(`BAD: ${error.code ?? error.name}: ${error.message}`);
        process.exitCode = 1;
    }
}
