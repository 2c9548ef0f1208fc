// Verifies webhooks with the standardwebhooks library, as a receiver would.
//
// Usage: verify_webhook.mjs <WEBHOOK     one JSON object: secret, headers, body
//        verify_webhook.mjs --check      ends with 0 when the library runs here
//
// Prints the payload's type; ends with 1 and the reason when the library refuses.
import {readFileSync} from 'node:fs';

const {Webhook} = await import('standardwebhooks');
if (process.argv[2] !== '--check') {
    const {secret, headers, body} = JSON.parse(readFileSync(0, 'utf8'));
    try {
        console.log(new Webhook(secret).verify(body, headers).type);
    } catch (error) {
        console.log(error.message);
        process.exitCode = 1;
    }
}
