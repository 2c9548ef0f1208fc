// The pages' pure parts, without a browser.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import {placed, seededRandom} from "../../service/ui/graph-view/layout.js";
import {
    graphModel,
    graphView,
    plainQuery,
    seenEntities,
    seenRelations,
} from "../../service/ui/pages/graph-model.js";
import {kindOf} from "../../service/ui/pages/kinds.js";
import {
    counted,
    defanged,
    distance,
    ownPath,
    shortened,
    time,
    visible,
} from "../../service/ui/pages/text.js";

test("a next path leads nowhere but here", () => {
    const refused = [
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "https://evil.example",
        "javascript:x",
        "",
        null,
        undefined,
        "handoffs",
        "/a b",
        "/\t/evil.example",
        "/\n",
        "/\u0000",
    ];
    for (const next of refused) assert.equal(ownPath(next), "/handoffs");
    for (const next of ["/admin", "/open/handoffs/a1?x=1#y"]) assert.equal(ownPath(next), next);
});

test("a defanged value has nothing to click", () => {
    assert.equal(defanged("https://evil.example/a.b"), "hxxps://evil[.]example/a[.]b");
    assert.equal(defanged("HTTP://x.y"), "hxxp://x[.]y");
    assert.equal(defanged("a@b.example"), "a[@]b[.]example");
    assert.equal(defanged("10.0.0.1"), "10[.]0[.]0[.]1");
});

test("a query is read however it was defanged", () => {
    assert.equal(plainQuery(" hXXps://Evil[.]example "), "https://evil.example");
    assert.equal(plainQuery("a[@]b(.)example"), "a@b.example");
});

test("unseen characters are shown by number", () => {
    assert.equal(visible("a\u202eb"), "a\u27e8202E\u27e9b");
    assert.equal(visible("a\nb"), "a\u27e8000A\u27e9b");
    assert.equal(visible("caf\u00e9 \u65e5\u672c \u{1f600}"), "caf\u00e9 \u65e5\u672c \u{1f600}");
});

test("a long value keeps both its ends", () => {
    assert.equal(shortened("abcdefghij", 10), "abcdefghij");
    const cut = shortened("C:\\Windows\\System32\\evil.dll", 12);
    assert.equal([...cut].length, 12);
    assert.ok(cut.startsWith("C:") && cut.endsWith("dll"));
});

test("times are UTC to the second, and nothing where there is none", () => {
    assert.equal(time(1763619120000000), "2025-11-20 06:12:00");
    assert.equal(time(null), "");
    assert.equal(time(Number.MAX_SAFE_INTEGER * 4096), "");
});

test("distances name one unit", () => {
    const now = 1763619120000;
    assert.equal(distance((now + 89.5 * 86400000) * 1000, now), "in 89 days");
    assert.equal(distance((now - 3600000) * 1000, now), "1 hour ago");
    assert.equal(distance(now * 1000, now), "just now");
});

test("one is singular", () => {
    assert.equal(counted(1, "entity", "entities"), "1 entity");
    assert.equal(counted(1204, "entity", "entities"), "1,204 entities");
});

test("a kind nobody knows still has a look", () => {
    assert.equal(kindOf("constructor").family, "other");
    assert.equal(kindOf("ip").label, "IP address");
});

const reply = {
    handoff: {},
    total: {},
    truncated: false,
    entities: [
        {id: 5, kind: "ip", value: "10.0.0.1"},
        {id: 9, kind: "user", value: "Mara"},
    ],
    relations: [
        {type: "connects-to", from: 5, to: 9},
        {type: "uses", from: 5, to: 5},
        {type: "uses", from: 5, to: 77},
    ],
};

test("a relation to an entity that is not there is left out", () => {
    const model = graphModel(reply);
    assert.equal(model.relations.length, 2);
    assert.equal(model.links.get(5).length, 2); // a relation to itself counts once
});

test("every kind that the service knows has a look", () => {
    const table = readFileSync(new URL("../../libs/graph/kind.c", import.meta.url), "utf8");
    const names = [...table.matchAll(/\[GRAPH_\w+\] = \{"([\w-]+)", "/g)].map(([, name]) => name);
    assert.ok(names.includes("ip") && names.includes("masked"), names.join());
    const stranger = kindOf("stranger").sign;
    assert.deepEqual(
        names.filter((name) => kindOf(name).sign === stranger),
        [],
    );
});

test("kinds and search narrow what is seen", () => {
    const model = graphModel(reply);
    const view = graphView(model);
    assert.equal(seenEntities(model, view).length, 2);
    view.setQuery("mARA");
    assert.deepEqual(
        seenEntities(model, view).map(({id}) => id),
        [9],
    );
    assert.equal(seenRelations(model, view).length, 1);
    view.setKinds(new Set(["ip"]));
    assert.deepEqual(seenEntities(model, view), []);
});

test("a layout starts from the same places each time, no two alike", () => {
    const nodes = Array.from({length: 300}, (_, id) => ({id}));
    const random = seededRandom(1);
    const edges = nodes.slice(1, 250).map(({id}) => ({from: id, to: Math.floor(random() * id)}));
    const first = placed(nodes, edges);
    assert.equal(first.size, 300);
    assert.deepEqual([...placed(nodes, edges)], [...first]);
    assert.equal(
        new Set([...first.values()].map(({x, y}) => `${x.toFixed(3)} ${y.toFixed(3)}`)).size,
        300,
    );
});

test("a chain of 1,500 entities has places", () => {
    const nodes = Array.from({length: 1500}, (_, id) => ({id}));
    assert.equal(
        placed(
            nodes,
            nodes.slice(1).map(({id}) => ({from: id - 1, to: id})),
        ).size,
        1500,
    );
});
