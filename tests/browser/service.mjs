// A real intelgraphd for tests: starts the program on a data folder of its own, makes a token, and
// hands off the investigation of data.mjs over the wire as the search command does
// (libs/wire/handoff.h).
import assert from "node:assert/strict";
import {execFileSync, spawn} from "node:child_process";
import {createHash} from "node:crypto";
import {mkdtempSync, rmSync} from "node:fs";
import {createServer} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";

// The first 16 bytes of SHA-256 over the parts, each after its length as 8 bytes big-endian.
export function handoffId(...parts) {
    const hash = createHash("sha256");
    for (const part of parts.map((text) => Buffer.from(text))) {
        const length = Buffer.alloc(8);
        length.writeBigUInt64BE(BigInt(part.length));
        hash.update(length).update(part);
    }
    return hash.digest("hex").slice(0, 32);
}

function samplesOf(item) {
    return item.samples.map(({row, time_us, ref}) => ({row, time_us, ref}));
}

function graphLines({entities, relations}) {
    const place = new Map(entities.map(({id}, index) => [id, index]));
    return [
        ...entities.map((entity) => ({
            entity: {
                kind: entity.kind,
                value: entity.value,
                count: entity.count,
                first_us: entity.first_us,
                last_us: entity.last_us,
                fields: entity.fields,
                samples: samplesOf(entity),
            },
        })),
        ...relations.map((relation) => ({
            relation: {
                type: relation.type,
                from: place.get(relation.from),
                to: place.get(relation.to),
                count: relation.count,
                first_us: relation.first_us,
                last_us: relation.last_us,
                samples: samplesOf(relation),
            },
        })),
    ].map((line) => `${JSON.stringify(line)}\n`);
}

// Gives the id of the hand-off of `kept` ({handoff, entities, relations} as in data.mjs).
export async function handOff(url, token, tenant, kept, {sid = kept.handoff.sid} = {}) {
    const {command, title, investigation, user, app} = kept.handoff;
    const target = `${url}/`;
    const id = handoffId(tenant, sid, command, target);
    const lines = graphLines(kept);
    const head = {
        version: 1,
        id,
        tenant,
        sid,
        command,
        target,
        title,
        investigation,
        user,
        app,
        search_sha256: "5f".repeat(32),
        client: "intelgraph/0.1.0",
        parts: 1,
    };
    const commit = {
        rows: kept.handoff.rows,
        entities: kept.entities.length,
        relations: kept.relations.length,
        values: kept.handoff.rows * 6,
        placeholders: 12,
        invalid: 0,
        entities_left_out: 0,
        relations_left_out: 0,
        content_sha256: createHash("sha256").update(lines.join("")).digest("hex"),
    };
    const body = [
        `${JSON.stringify({handoff: head})}\n`,
        ...lines,
        `${JSON.stringify({commit})}\n`,
    ].join("");
    const response = await fetch(`${url}/v1/handoffs`, {
        method: "POST",
        headers: {Authorization: `Bearer ${token}`, "Content-Type": "application/x-ndjson"},
        body,
    });
    assert.equal(response.status, 201, await response.text());
    return id;
}

function freePort() {
    return new Promise((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
            const {port} = server.address();
            server.close(() => resolve(port));
        });
    });
}

async function ready(url, child) {
    for (let i = 0; i < 200; i++) {
        assert.equal(child.exitCode, null, "intelgraphd has ended");
        const answer = await fetch(`${url}/readyz`).catch(() => null);
        if (answer?.ok) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("intelgraphd was not ready within 10 s");
}

export function createToken(
    program,
    data,
    {tenant = "acme", role = "admin", name = "mara.okafor"},
) {
    const words = ["token", "create", "--data", data, "--tenant", tenant, "--role", role];
    return execFileSync(program, [...words, "--name", name], {encoding: "utf8"}).trim();
}

// zone: where the tenant's days begin; options: more words for `serve`.
export async function startService(program, {role = "admin", zone, options = []} = {}) {
    const data = mkdtempSync(join(tmpdir(), "intelgraph-browser-"));
    const token = createToken(program, data, {role});
    if (zone)
        execFileSync(program, [
            ...["usage", "zone", "--data", data, "--tenant", "acme", "--zone", zone],
            ...["--anchor-day", "1"],
        ]);
    const port = await freePort();
    const words = ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, ...options];
    const child = spawn(program, words, {stdio: "ignore"});
    const url = `http://127.0.0.1:${port}`;
    await ready(url, child);
    return {
        url,
        token,
        data,
        async stop() {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            child.kill("SIGTERM");
            await ended;
            rmSync(data, {recursive: true, force: true});
        },
    };
}
