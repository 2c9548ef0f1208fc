// /admin/budgets: every budget with its state, the nearest to its limit first.
import {getJson} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {adminFrame, mayWrite} from "./admin-frame.js";
import {
    amountText,
    amountTitle,
    dayNode,
    isOver,
    meterBar,
    modes,
    peopleText,
    periods,
    tenantZone,
    unitOf,
    verdictBadge,
} from "./budget-parts.js";
import {compare, decimal, zero} from "./decimal.js";
import {badge, failure, loading, message, pageHead} from "./parts.js";
import {counted, visible} from "./text.js";

const weight = {blocked: 3, throttled: 2, notice: 1};

const weightOf = (budget) => Math.max(weight[budget.state?.verdict] ?? 0, isOver(budget) ? 2 : 0);

function byUrgency(a, b) {
    const share = ({state}) => decimal(state?.share) ?? zero;
    return (
        weightOf(b) - weightOf(a) ||
        compare(share(b), share(a))
    );
}

function onWhat(budget) {
    if (budget.basis === "cost" && budget.meters.length === 0) return "All cost";
    const names = budget.meters.map(visible).join(", ");
    return budget.basis === "cost" ? `Cost of ${names}` : names;
}

// "18,879,212 of 12,000,000 ms", or in the unit for people where there is one.
function usedOf(budget, meters, unit) {
    const {state} = budget;
    const people = peopleText(state.used, budget, meters);
    const used = people ? people.split(" ")[0] : amountText(state.used, budget);
    const limit =
        peopleText(state.limit, budget, meters) || `${amountText(state.limit, budget)} ${unit}`;
    return {limit, both: `${used} of ${limit}`};
}

function row(budget, meters, zone) {
    const unit = unitOf(budget, meters);
    const {state} = budget;
    const {limit, both} = usedOf(budget, meters, unit);
    return el(
        "tr",
        {},
        el(
            "th",
            {scope: "row", class: "cell-title"},
            el(
                "a",
                {href: `/admin/budgets/${encodeURIComponent(budget.id)}`},
                visible(budget.name),
            ),
            el(
                "div",
                {class: "cell-note"},
                `${onWhat(budget)}, ${periods[budget.period] ?? visible(budget.period)}`,
            ),
            // Where there is no room for the column of what is used.
            el(
                "div",
                {class: "only-narrow"},
                meterBar(budget),
                el(
                    "span",
                    {class: "cell-note"},
                    `${state.share} % of ${limit}`,
                ),
            ),
        ),
        el(
            "td",
            {},
            verdictBadge(budget),
            budget.shadow && [" ", badge("Shadow", "known")],
            state.override && [" ", badge("Override", "accent")],
        ),
        el(
            "td",
            {class: "cell-meter not-narrow"},
            meterBar(budget),
            el(
                "div",
                {class: "cell-note"},
                el(
                    "span",
                    {title: amountTitle(state.used, unit)},
                    both,
                ),
            ),
        ),
        el(
            "td",
            {class: "number not-narrow"},
            decimal(state.share) ? `${state.share} %` : "\u2013",
        ),
        el(
            "td",
            {class: "number"},
            decimal(state.forecast?.share) ? `${state.forecast.share} %` : "\u2013",
        ),
        el("td", {}, modes[budget.mode]?.[0] ?? visible(budget.mode)),
        el("td", {class: "cell-day"}, dayNode(state.period_to, zone)),
    );
}

function list(budgets, meters, zone) {
    const head = (text, kind) => el("th", {scope: "col", class: kind}, text);
    return el(
        "div",
        {class: "card"},
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Budgets"},
            el(
                "table",
                {class: "table budgets"},
                el("caption", {class: "unseen"}, "Budgets, the most urgent first"),
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        head("Budget"),
                        head("State"),
                        head("Used", "not-narrow"),
                        head("Share", "number not-narrow"),
                        head("Forecast", "number"),
                        head("At the limit"),
                        head("Begins anew"),
                    ),
                ),
                el(
                    "tbody",
                    {},
                    [...budgets].sort(byUrgency).map((budget) => row(budget, meters, zone)),
                ),
            ),
        ),
    );
}

function none(session) {
    return el(
        "div",
        {class: "card"},
        message(
            "No budgets yet",
            [
                "A budget tells people when usage or cost goes over a line, and can slow down or stop what would go further.",
                mayWrite(session)
                    ? "Begin with one that only tells: it holds nothing back."
                    : `An administrator of ${visible(session.tenant)} can set one.`,
            ],
            mayWrite(session)
                ? [
                      el(
                          "a",
                          {class: "button button-main", href: "/admin/budgets/new"},
                          "Set a budget",
                      ),
                  ]
                : [],
        ),
    );
}

function summary(budgets) {
    const stopped = ({state}) => ["blocked", "throttled"].includes(state.verdict);
    const count = (verdict) => budgets.filter(({state}) => state.verdict === verdict).length;
    const over = budgets.filter((budget) => isOver(budget) && !stopped(budget));
    const told = budgets.filter((budget) => budget.state.verdict === "notice" && !isOver(budget));
    const parts = [
        [count("blocked"), "blocked"],
        [count("throttled"), "throttled"],
        [over.length, "over the limit"],
        [told.length, "over a threshold"],
    ].filter(([number]) => number > 0);
    if (parts.length === 0) return `${counted(budgets.length, "budget")}, all within.`;
    return `${counted(budgets.length, "budget")}: ${parts.map(([n, text]) => `${n} ${text}`).join(", ")}.`;
}

export async function show({main, session}) {
    const body = el("div", {class: "stack"}, loading("Reading the budgets \u2026"));
    const lead = el("span", {}, `What holds usage and cost of ${visible(session.tenant)}.`);
    const head = pageHead(
        "Budgets",
        lead,
        mayWrite(session) &&
            el(
                "a",
                {class: "button button-main", href: "/admin/budgets/new"},
                icon(icons.plus),
                "New budget",
            ),
    );
    adminFrame(main, session, head, body);
    try {
        const [{budgets}, {meters}, zone] = await Promise.all([
            getJson("/v1/budgets"),
            getJson("/v1/meters"),
            tenantZone(),
        ]);
        if (budgets.length > 0) lead.textContent = summary(budgets);
        replace(body, budgets.length > 0 ? list(budgets, meters, zone) : none(session));
    } catch (problem) {
        replace(
            body,
            el(
                "div",
                {class: "card"},
                problem.status === 403
                    ? message("This is not for your role", [
                          `The role ${session.role} does not read budgets.`,
                      ])
                    : failure(problem, () => show({main, session})),
            ),
        );
    }
}
