// /admin/usage: what was spent, what it comes to, and what it was spent on. Every filter is in the
// address. Amounts are the service's own decimals; only the chart's heights are numbers.
import {getJson, query} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {adminFrame, mayWrite} from "./admin-frame.js";
import {failure, loading, message, pageHead} from "./parts.js";
import {decimal} from "./decimal.js";
import {knownZone} from "./days.js";
import {rangeBefore, rangeOf, readFilters, writeFilters} from "./usage-model.js";
import {usageFilters} from "./usage-filters.js";
import {usageHeader} from "./usage-header.js";
import {usageReport} from "./usage-report.js";

const iso = (ms) => new Date(ms).toISOString();

// What not every service of every tenant can answer: nothing then, and no failure of the page.
async function perhaps(path) {
    try {
        return await getJson(path);
    } catch (problem) {
        if (problem.status === 401 || problem.status === 0 || problem.status >= 500) throw problem;
        return null;
    }
}

const spanOf = ({from, to}) => ({from: Date.parse(from), to: Date.parse(to)});

// The tenant's frame: meters, zone, the billing period and the budgets.
async function frameOf() {
    const now = Date.now();
    const period = (to) =>
        getJson(
            `/v1/costs${query({window: "billing", by: "meter", from: iso(to - 1000), to: iso(to)})}`,
        );
    const [{meters}, costs, budgets] = await Promise.all([
        getJson("/v1/meters"),
        period(now),
        perhaps("/v1/budgets"),
    ]);
    const here = spanOf(costs);
    return {
        now,
        meters,
        costs,
        budgets: budgets?.budgets ?? [],
        zone: knownZone(costs.zone),
        period: here,
        lastPeriod: costs.previous
            ? spanOf(costs.previous)
            : {from: here.from - 30 * 86400000, to: here.from},
        priced: decimal(costs.total) !== null && costs.currency !== null,
    };
}

function reportPath(filters, {from, to}, format) {
    const shared = {window: "day", from: iso(from), to: iso(to), format};
    if (filters.measure === "cost")
        return `/v1/costs${query({...shared, by: filters.by, meter: filters.meter})}`;
    const by = filters.by === "meter" ? "" : filters.by;
    return `/v1/usage${query({...shared, meter: filters.meter, by})}`;
}

// A cost needs prices and a quantity needs one meter.
function possible(filters, frame) {
    const measure = frame.priced ? filters.measure : "quantity";
    const used = frame.costs.rows.find(({meter: name}) => name !== "operations")?.meter;
    const usual = used ?? frame.meters[0].name;
    const meter = measure === "quantity" && !filters.meter ? usual : filters.meter;
    return {...filters, measure, meter};
}

async function reportOf(filters, frame) {
    const range = rangeOf(filters, frame.period, frame.lastPeriod, frame.now, frame.zone);
    const before = rangeBefore(range, frame.zone);
    const [reply, earlier, anomalies] = await Promise.all([
        getJson(reportPath(filters, range)),
        getJson(reportPath(filters, before)),
        perhaps("/v1/usage/anomalies?limit=100"),
    ]);
    return {range, before, reply, earlier, anomalies: anomalies?.anomalies ?? []};
}

export async function show({main, session}) {
    const head = pageHead(
        "Usage",
        `What ${session.tenant} has used, what it costs, and where it is going.`,
        el("div", {class: "page-actions"}),
    );
    const body = el("div", {class: "stack"}, loading("Adding up \u2026"));
    adminFrame(main, session, head, body);
    try {
        await page({head, body, session, frame: await frameOf()});
    } catch (problem) {
        replace(
            body,
            problem.status === 403
                ? message("This is not for your role", [
                      `The role ${session.role} does not read usage. Ask an administrator of ` +
                          `${session.tenant} for a token that may.`,
                  ])
                : failure(problem, () => show({main, session})),
        );
    }
}

async function page({head, body, session, frame}) {
    let turn = 0;
    let ending = () => {};
    const place = el("div", {class: "stack"});
    const filterPlace = el("div", {});
    replace(body, usageHeader(frame, mayWrite(session)), filterPlace, place);

    const current = () => possible(readFilters(location.search, frame), frame);
    async function paint() {
        const mine = (turn += 1);
        const filters = current();
        replace(filterPlace, usageFilters(filters, frame, go));
        place.setAttribute("aria-busy", "true");
        if (!place.firstChild) replace(place, loading("Adding up \u2026"));
        let content;
        try {
            const report = await reportOf(filters, frame);
            if (mine !== turn) return;
            content = usageReport(filters, frame, report, {go, again: paint, session});
            replace(head.querySelector(".page-actions"), csvLink(filters, report.range));
        } catch (problem) {
            if (mine !== turn) return;
            content = {nodes: [el("div", {class: "card"}, failure(problem, paint))], done() {}};
        }
        ending();
        ending = content.done;
        place.removeAttribute("aria-busy");
        replace(place, content.nodes);
    }
    function go(changes) {
        const address = location.pathname + writeFilters({...current(), ...changes});
        if (address !== location.pathname + location.search) history.pushState(null, "", address);
        const focus = document.activeElement?.name;
        const value = document.activeElement?.value;
        paint();
        // The controls are made anew; whoever used one by keyboard goes on from it.
        const again = [...filterPlace.querySelectorAll("select, input")].find(
            (node) => node.name === focus && (node.type !== "radio" || node.value === value),
        );
        again?.focus();
    }
    window.addEventListener("popstate", paint);
    await paint();
}

function csvLink(filters, range) {
    const name = `intelgraph-${filters.measure}-${iso(range.from).slice(0, 10)}-${iso(range.to).slice(0, 10)}.csv`;
    return el(
        "a",
        {class: "button", href: reportPath(filters, range, "csv"), download: name},
        icon(icons.download),
        "CSV",
    );
}
