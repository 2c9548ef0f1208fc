// Starts the system's Chromium for tests and pictures.
import {existsSync} from "node:fs";
import {chromium} from "playwright-core";

export const chromiumPath = [
    process.env.CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
].find((path) => path && existsSync(path));

export function startBrowser() {
    return chromium.launch({
        executablePath: chromiumPath,
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-color-profile=srgb",
        ],
    });
}

// A page that is signed in; `token` goes through the sign-in page, as a person would.
export async function signedIn(
    browser,
    url,
    token,
    {theme = "light", width = 1440, height = 900, ...more} = {},
) {
    const context = await browser.newContext({
        viewport: {width, height},
        colorScheme: theme,
        reducedMotion: "reduce",
        acceptDownloads: true,
        ...more,
    });
    const page = await context.newPage();
    await page.goto(`${url}/signin`);
    await page.fill("#token", token);
    await page.click("button[type=submit]");
    await page.waitForURL(`${url}/handoffs`);
    return page;
}

// A page that goes on with the session of another one, as a new tab does. `state` is what the other
// one's context gave as its storageState().
export async function sameSession(
    browser,
    state,
    {theme = "light", width = 1440, height = 900} = {},
) {
    const context = await browser.newContext({
        storageState: state,
        viewport: {width, height},
        colorScheme: theme,
        reducedMotion: "reduce",
        acceptDownloads: true,
    });
    return context.newPage();
}

export async function drawn(page) {
    await page.waitForSelector(".stage[data-drawn]", {timeout: 60000});
}
