// The service as the pages see it: the built assets under the service's own headers, and its API
// over the hand-offs of data.mjs. What the pages ask is kept in `asked`, so that tests can look at
// it.
//
// Usage of its own: node mock.mjs DIST [PORT]    then open it and sign in with igt_demo_admin
import {createServer} from "node:http";
import {readFileSync, readdirSync} from "node:fs";
import {join} from "node:path";
import {gunzipSync} from "node:zlib";
import {auditRecords, checkpoint, corpus, ids, tokens} from "./data.mjs";

export const securityHeaders = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; " +
        "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; " +
        "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
};

const metrics = '# TYPE intelgraphd_build_info gauge\nintelgraphd_build_info{version="0.1.0"} 1\n';
const types = {
    js: "text/javascript; charset=utf-8",
    css: "text/css; charset=utf-8",
    svg: "image/svg+xml",
    txt: "text/plain; charset=utf-8",
};
const roles = ["viewer", "analyst", "auditor", "admin"];

function problem(status, title, detail) {
    return {
        status,
        type: "application/problem+json",
        body: {type: "urn:intelgraph:problem:mock", title, status, detail},
    };
}

const unsigned = () => problem(401, "Not signed in", "A token is needed.");
const denied = () => problem(403, "Not allowed", "Your role may not do this.");
const notFound = () => problem(404, "Not found", "There is no such hand-off.");
const json = (body) => ({status: 200, body});

function graphReply(kept, limit) {
    const {handoff, entities, relations} = kept;
    const taken =
        entities.length <= limit
            ? entities
            : [...entities].sort((a, b) => b.degree - a.degree || a.id - b.id).slice(0, limit);
    const in_ = new Set(taken.map((entity) => entity.id));
    return json({
        handoff,
        entities: taken,
        relations: relations.filter((r) => in_.has(r.from) && in_.has(r.to)),
        total: {entities: entities.length, relations: relations.length},
        truncated: taken.length < entities.length,
    });
}

function entitiesReply(kept, parameters) {
    const limit = Number(parameters.get("limit") ?? 100);
    const start = Number(parameters.get("after") ?? 0);
    const q = (parameters.get("q") ?? "").toLowerCase();
    const kind = parameters.get("kind") ?? "";
    const all = kept.entities.filter(
        (entity) => (!kind || entity.kind === kind) && entity.value.toLowerCase().includes(q),
    );
    return json({
        entities: all.slice(start, start + limit),
        next: start + limit < all.length ? String(start + limit) : null,
        total: all.length,
    });
}

// drawing: false serves a shell as a build without npm makes it.
export function startMock({dist, port = 0, drawing = true, host = "127.0.0.1"}) {
    const kept = corpus();
    const asked = [];
    const revoked = new Set();
    const state = {noHandoffs: false, sessionOver: false};

    const sessionOf = (request) => {
        const found = /intelgraph_session=(\w+)/.exec(request.headers.cookie ?? "");
        return found && roles.includes(found[1]) && !state.sessionOver ? found[1] : null;
    };

    function handoffRoute(path, parameters) {
        const [, id, what] = /^\/v1\/handoffs\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
        if (id === ids.broken)
            return problem(500, "Internal failure", "The store is not answering.");
        const found = kept.get(id);
        if (!found) return notFound();
        if (what === "graph") return graphReply(found, Number(parameters.get("limit") ?? 1500));
        if (what === "entities") return entitiesReply(found, parameters);
        return json(found.handoff);
    }

    function listReply(parameters) {
        if (state.noHandoffs) return json({handoffs: [], next: null});
        const all = [...kept.values()].map(({handoff}) => handoff);
        const limit = Number(parameters.get("limit") ?? 4);
        const start = Number(parameters.get("before") ?? 0);
        return json({
            handoffs: all.slice(start, start + limit),
            next: start + limit < all.length ? String(start + limit) : null,
        });
    }

    function recordsReply(parameters) {
        const before = Number(parameters.get("before") ?? Infinity);
        const records = auditRecords()
            .filter(({index}) => index < before)
            .slice(0, Number(parameters.get("limit") ?? 100));
        return json({records, checkpoint});
    }

    function api(method, path, parameters, role, body) {
        if (path === "/readyz") return json({status: "ready"});
        if (path === "/v1/session" && method === "POST") return signIn(body);
        if (!role) return unsigned();
        if (path === "/v1/session" && method === "DELETE") return {status: 204, cookie: "gone"};
        if (path === "/v1/session") {
            return json({
                tenant: "acme",
                name: "mara.okafor",
                role,
                expires_us: (Date.now() + 86400000) * 1000,
            });
        }
        if (path === "/v1/handoffs") return listReply(parameters);
        if (path.startsWith("/v1/handoffs/")) return handoffRoute(path, parameters);
        if (path.startsWith("/v1/tokens")) return tokenRoute(method, path, role);
        if (path === "/v1/audit/records") {
            return role === "auditor" || role === "admin" ? recordsReply(parameters) : denied();
        }
        return notFound();
    }

    function signIn(body) {
        const role = /^igt_demo_(\w+)$/.exec(body?.token ?? "")?.[1];
        return roles.includes(role)
            ? {status: 204, cookie: role}
            : problem(401, "Not signed in", "The token is not known.");
    }

    function tokenRoute(method, path, role) {
        if (role !== "admin") return denied();
        if (method === "DELETE") {
            revoked.add(decodeURIComponent(path.slice("/v1/tokens/".length)));
            return {status: 204};
        }
        return json({
            tokens: tokens().map((token) =>
                revoked.has(token.id) ? {...token, revoked_us: Date.now() * 1000} : token,
            ),
        });
    }

    function page(request, response, path) {
        if (path !== "/signin" && !sessionOf(request)) {
            response.writeHead(303, {Location: `/signin?next=${path}`});
            response.end();
            return;
        }
        const shell = gunzipSync(readFileSync(join(dist, "index.html.gz"))).toString();
        response.writeHead(200, {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
        });
        response.end(
            drawing
                ? shell
                : shell.replace(
                      'name="intelgraph-drawing" content="yes"',
                      'name="intelgraph-drawing" content="no"',
                  ),
        );
    }

    function asset(response, name) {
        if (
            !readdirSync(dist).includes(`${name}.gz`) ||
            (!drawing && name.startsWith("graph-view."))
        ) {
            response.writeHead(404);
            response.end();
            return;
        }
        response.writeHead(200, {
            "Content-Type": types[name.split(".").pop()],
            "Content-Encoding": "gzip",
            "Cache-Control": "public, max-age=31536000, immutable",
        });
        response.end(readFileSync(join(dist, `${name}.gz`)));
    }

    async function answer(request, response) {
        const {pathname, searchParams} = new URL(request.url, "http://mock");
        for (const [name, value] of Object.entries(securityHeaders))
            response.setHeader(name, value);
        if (pathname.startsWith("/assets/"))
            return asset(response, pathname.slice("/assets/".length));
        if (pathname === "/favicon.ico") return response.writeHead(404).end();
        if (pathname === "/metrics") return response.end(metrics);
        if (!/^\/(v1\/|readyz)/.test(pathname)) return page(request, response, pathname);
        let text = "";
        for await (const chunk of request) text += chunk;
        asked.push({method: request.method, url: request.url, headers: request.headers});
        const reply =
            request.method !== "GET" && request.headers["x-intelgraph-csrf"] !== "1"
                ? denied()
                : api(
                      request.method,
                      pathname,
                      searchParams,
                      sessionOf(request),
                      text && JSON.parse(text),
                  );
        const headers = {"Cache-Control": "no-store"};
        if (reply.cookie)
            headers["Set-Cookie"] =
                `intelgraph_session=${reply.cookie}; HttpOnly; SameSite=Lax; Path=/`;
        if (reply.body) headers["Content-Type"] = reply.type ?? "application/json";
        response.writeHead(reply.status, headers);
        response.end(reply.body ? JSON.stringify(reply.body) : undefined);
        return undefined;
    }

    const server = createServer((request, response) => {
        answer(request, response).catch((cause) => {
            response.writeHead(500);
            response.end(String(cause));
        });
    });
    return new Promise((resolve) => {
        server.listen(port, host, () =>
            resolve({
                url: `http://${host}:${server.address().port}`,
                asked,
                state,
                stop: () =>
                    new Promise((done) => {
                        server.close(done);
                        server.closeAllConnections();
                    }),
            }),
        );
    });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    const [dist, port] = process.argv.slice(2);
    const mock = await startMock({dist, port: Number(port ?? 0)});
    console.log(mock.url);
}
