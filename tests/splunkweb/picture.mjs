// The picture of the settings page in README_INSTALL.md.
// Usage: INTELGRAPH_APP=build/app/intelgraph node tests/splunkweb/picture.mjs OUT.png [light|dark]
import {address, button, configured, onPage, start, stop, web} from "./bench.mjs";

const [out, theme = "light"] = process.argv.slice(2);
if (!out) {
    console.error("usage: node picture.mjs OUT.png [light|dark]");
    process.exit(2);
}
await start();
try {
    const prepare = async () => {
        await configured();
        await web.ask("conf", {
            conf: {
                app: {install: {is_configured: "1"}},
                intelgraph: {
                    "instance:prod": {url: address, tenant: "acme"},
                    "instance:training": {url: "https://ig-training.example/", tenant: "training"},
                    handoff: {instance: "prod"},
                },
            },
        });
        await web.ask("password", {name: "training", secret: "x"});
        await web.ask("theme", {name: theme});
        await web.ask("trust", {domains: {a: "ig.example", b: "ig-training.example"}});
    };
    await onPage({prepare, viewport: {width: 1120, height: 1140}}, async (page) => {
        await button(page, "Save").waitFor();
        await page.waitForTimeout(300);
        await page.screenshot({path: out});
    });
} finally {
    await stop();
}
