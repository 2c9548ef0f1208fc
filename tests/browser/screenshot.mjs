// The README's picture: the page of a hand-off with its most connected entity chosen.
// Usage: node screenshot.mjs URL TOKEN HANDOFF OUT.png [light|dark]
import {drawn, signedIn, startBrowser} from "./browser.mjs";

const [url, token, handoff, out, theme = "light"] = process.argv.slice(2);
if (!out) {
    console.error("usage: node screenshot.mjs URL TOKEN HANDOFF OUT.png [light|dark]");
    process.exit(2);
}
const browser = await startBrowser();
try {
    const page = await signedIn(browser, url.replace(/\/$/, ""), token, {
        theme,
        width: 1440,
        height: 900,
    });
    await page.goto(`${url.replace(/\/$/, "")}/handoffs/${handoff}`);
    await drawn(page);
    await page.locator(".entities .entity-button").first().click();
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement.blur());
    await page.waitForTimeout(300); // names and images of the drawing settle
    await page.screenshot({path: out});
} finally {
    await browser.close();
}
