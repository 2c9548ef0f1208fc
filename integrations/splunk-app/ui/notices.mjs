// Prints the notices of every package that the bundle holds, as the lock file names them. Fails on a
// licence that is not on the list, on a package without its licence's text, and on one that says
// something else than the lock file.
// Usage: node notices.mjs METAFILE FOLDER-OF-node_modules-AND-LOCK-FILE
import {readFileSync, readdirSync} from "node:fs";
import {join} from "node:path";
import {pathToFileURL} from "node:url";

// Permissive licences, each looked at: they ask for their text and notice to go along, no more.
const allowed = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);

// The packages whose bytes are in the bundle, as keys of the lock file.
export function packagesIn(metafile) {
    const [output] = Object.values(metafile.outputs);
    const found = new Set();
    for (const [path, {bytesInOutput}] of Object.entries(output.inputs)) {
        const place = path.lastIndexOf("node_modules/");
        if (place < 0 || bytesInOutput === 0) continue;
        const start = path.indexOf("node_modules/");
        const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path.slice(place));
        found.add(path.slice(start, place) + `node_modules/${name[1]}`);
    }
    return [...found].sort();
}

export function notice(key, locked, about, files) {
    const name = key.slice(key.lastIndexOf("node_modules/") + "node_modules/".length);
    if (!locked) throw new Error(`${name}: the lock file does not hold it`);
    if (locked.version !== about.version || locked.license !== about.license)
        throw new Error(
            `${name}: the lock file says ${locked.version} (${locked.license}), the package ` +
                `says ${about.version} (${about.license})`,
        );
    if (!allowed.has(about.license))
        throw new Error(
            `${name} ${about.version}: nobody has looked at the licence "${about.license}"; add ` +
                "it to the list in ui/notices.mjs, or do without the package",
        );
    const text = files.licence ?? textless[`${name} ${about.license}`];
    if (!text) throw new Error(`${name} ${about.version}: the package holds no licence text`);
    return [
        `## ${name} ${about.version}`,
        "",
        `Licence: ${about.license}`,
        "",
        ...[text, files.notice]
            .filter(Boolean)
            .flatMap((part) => ["```text", part.trim(), "```", ""]),
    ].join("\n");
}

// Packages that leave the licence's text out of what they publish: the copyright line is that of
// their README, the text the licence's own.
const mit = (copyright) => `MIT License

${copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense,
and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

const textless = {
    "styled-components MIT": mit("Copyright (c) 2016-present Glen Maddern and Maximilian Stoiber"),
};

function filesOf(home) {
    const entries = readdirSync(home);
    const read = (pattern) => {
        const file = entries.find((entry) => pattern.test(entry));
        return file && readFileSync(join(home, file), "utf8");
    };
    return {
        licence: read(/^licen[cs]e([-.](md|txt|mit))?$/i),
        notice: read(/^notice(\.(md|txt))?$/i),
    };
}

export function notices(metafile, folder) {
    const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
    const parts = packagesIn(metafile).map((key) => {
        const home = join(folder, key);
        const about = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
        return notice(key, lock[key], about, filesOf(home));
    });
    return [
        "# Third-party notices of the settings page",
        "",
        `\`appserver/static/pages/settings.js\` holds these ${parts.length} packages, each under`,
        "its own licence.",
        "",
        ...parts,
    ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
    const [metafile, folder] = process.argv.slice(2);
    process.stdout.write(notices(JSON.parse(readFileSync(metafile, "utf8")), folder));
}
