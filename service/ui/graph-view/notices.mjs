// Prints the notices of every package that a bundle holds.
// Usage: node notices.mjs METAFILE FOLDER-OF-node_modules
import {readFileSync, readdirSync} from "node:fs";
import {join} from "node:path";

const [metafile, folder] = process.argv.slice(2);
const inputs = Object.keys(JSON.parse(readFileSync(metafile, "utf8")).inputs);
const names = new Set();
for (const input of inputs) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(input);
    if (found) names.add(found[1]);
}

const lines = [
    "The drawing libraries of the pages hold these packages, each under its own licence.",
    "",
];
for (const name of [...names].sort()) {
    const home = join(folder, "node_modules", name);
    const about = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
    const file = readdirSync(home).find((entry) => /^licen[cs]e(\.md|\.txt)?$/i.test(entry));
    if (!file || !about.license) throw new Error(`${name}: the package holds no licence`);
    lines.push(
        "-".repeat(80),
        `${name} ${about.version} (${about.license})`,
        "",
        readFileSync(join(home, file), "utf8").trim(),
        "",
    );
}
process.stdout.write(lines.join("\n"));
