// The pictures of the administration pages for README and documents, from a service of its own.
// Usage: INTELGRAPHD=build/bin/intelgraphd node admin-pictures.mjs FOLDER [light|dark]
import {join} from "node:path";
import {startPlace} from "./admin-place.mjs";
import {signedIn, startBrowser} from "./browser.mjs";

const [folder, theme = "light"] = process.argv.slice(2);
if (!folder || !process.env.INTELGRAPHD) {
    console.error("usage: INTELGRAPHD=PROGRAM node admin-pictures.mjs FOLDER [light|dark]");
    process.exit(2);
}

async function settled(page) {
    await page.waitForFunction(
        () => !document.querySelector(".spinner") && document.querySelector("main h1"),
    );
    await page.waitForTimeout(300); // fonts and the chart settle
}

// An override that waits for its second person, as an administrator asks for one.
async function askForMore(page) {
    await page.click("section:has(h2:text-is('Overrides')) >> button:has-text('Override')");
    await page.fill("dialog [name=amount]", "20000000");
    await page.fill("dialog [name=reason]", "Month-end reports; agreed with finance.");
    await page.click("dialog >> button:text-is('Override')");
    await page.waitForSelector(".override");
    await page.waitForSelector(".toast-shown", {state: "hidden"});
}

const place = await startPlace();
const browser = await startBrowser();
try {
    const page = await signedIn(browser, place.url, place.tokens.admin, {
        theme,
        width: 1440,
        height: 900,
    });
    // The thresholds are looked at by a job that runs every few seconds.
    await page.waitForTimeout(6000);
    await page.goto(`${place.url}/admin/usage?range=30d`);
    await page.waitForSelector(".chart-stage[data-drawn]");
    await settled(page);
    await page.screenshot({path: join(folder, "usage.png"), fullPage: true});
    await page.goto(`${place.url}/admin/budgets/${place.filled.tokens.id}`);
    await settled(page);
    await askForMore(page);
    await settled(page);
    await page.screenshot({path: join(folder, "budget.png"), fullPage: true});
} finally {
    await browser.close();
    await place.stop();
}
