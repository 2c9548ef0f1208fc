// Splunk's renderer and page.jsx in one script. Where an AMD loader is looked for there is none:
// lodash would otherwise hand itself to it and be gone.
import {build} from "esbuild";

await build({
    absWorkingDir: new URL(".", import.meta.url).pathname,
    entryPoints: ["page.jsx"],
    outfile: "page.js",
    bundle: true,
    minify: true,
    legalComments: "none",
    logLevel: "error",
    define: {"process.env.NODE_ENV": '"production"', global: "window", define: "undefined"},
});
