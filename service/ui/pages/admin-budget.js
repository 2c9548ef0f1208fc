// /admin/budgets/ID: one budget, its state, its rules, its overrides and what it did; /new and
// /ID/edit: the form.
import {getJson, query} from "./api.js";
import {el, icon, icons, replace} from "./dom.js";
import {adminFrame, mayWrite} from "./admin-frame.js";
import {budgetForm} from "./budget-form.js";
import {historyCard, refusalsCard} from "./budget-log.js";
import {askOverride, overrideList} from "./budget-override.js";
import {
    DAYS_KNOWN,
    amountText,
    amountTitle,
    dayNode,
    forecastRange,
    meterBar,
    modes,
    peopleText,
    periods,
    sameThreshold,
    tenantZone,
    thresholdText,
    timeNode,
    unitOf,
    verdictBadge,
} from "./budget-parts.js";
import {dayOf, minuteOf, shortDay} from "./days.js";
import {compare, decimal} from "./decimal.js";
import {formDialog, sendChange} from "./form.js";
import {announce, failure, loading, message, pageHead} from "./parts.js";
import {counted, unitFor, visible} from "./text.js";

const path = (id, rest = "") => `/v1/budgets/${encodeURIComponent(id)}${rest}`;

// null where the caller's role or the service has none to give.
async function perhaps(promise, otherwise) {
    try {
        return await promise;
    } catch (problem) {
        if (problem.status === 403 || problem.status === 404) return otherwise;
        throw problem;
    }
}

// --- The figures ---------------------------------------------------------------------------------

function tile(label, value, ...notes) {
    return el(
        "div",
        {class: "tile"},
        el("dt", {}, label),
        el(
            "dd",
            {},
            el("div", {class: "tile-value"}, value),
            notes.map((note) => note && el("div", {class: "tile-note"}, note)),
        ),
    );
}

function amount(text, budget, unit) {
    return el(
        "span",
        {title: amountTitle(text, unit)},
        `${amountText(text, budget)} `,
        el("small", {}, unit),
    );
}

function settledAt(text, zone) {
    const ms = Date.parse(text ?? "");
    if (Number.isNaN(ms)) return "\u2013";
    return `${shortDay(dayOf(ms, zone))}, ${minuteOf(ms, zone).slice(11)}`;
}

function stateCard(budget, unit, zone, meters) {
    const {state} = budget;
    const reserved = decimal(state.reserved);
    const {forecast} = state;
    const people = (text) => peopleText(text, budget, meters);
    const raised =
        decimal(state.limit) &&
        decimal(budget.limit) &&
        compare(decimal(state.limit), decimal(budget.limit)) !== 0;
    return el(
        "section",
        {class: "card", "aria-label": "State"},
        el(
            "dl",
            {class: "tiles tiles-six"},
            tile(
                "Used",
                amount(state.used, budget, unit),
                people(state.used),
                meterBar(budget),
                reserved?.units > 0n && `and ${amountText(state.reserved, budget)} reserved`,
            ),
            tile(
                "Limit",
                amount(state.limit, budget, unit),
                people(state.limit),
                raised
                    ? `${amountText(budget.limit, budget)} and an override`
                    : periods[budget.period],
            ),
            tile(
                "Share",
                decimal(state.share) ? `${state.share} %` : "\u2013",
                verdictBadge(budget),
            ),
            decimal(forecast?.expected)
                ? tile(
                      "Forecast to the end",
                      amount(forecast.expected, budget, unit),
                      people(forecast.expected),
                      decimal(forecast.low) &&
                          forecastRange(
                              amountText(forecast.low, budget),
                              amountText(forecast.high, budget),
                              unit,
                          ),
                      forecast.days < DAYS_KNOWN && "By the pace so far: too few days are known.",
                  )
                : tile("Forecast to the end", "\u2013", "Too little is known yet."),
            tile(
                "Begins anew",
                el("span", {class: "tile-time"}, dayNode(state.period_to, zone)),
                `${counted(Number(state.days_left ?? 0), "day")} left`,
            ),
            tile(
                "Complete up to",
                el("span", {class: "tile-time"}, settledAt(state.complete_up_to, zone)),
                `${zone}. Later numbers still settle.`,
            ),
        ),
    );
}

// --- The rules -----------------------------------------------------------------------------------

function ladder(budget, unit) {
    const steps = Object.keys(modes);
    const reach = steps.indexOf(budget.mode);
    const {throttle} = budget;
    const notes = {
        notify: "at each threshold",
        throttle: throttle
            ? `from ${throttle.from_percent} %: ${amountText(throttle.rate, budget)} ${unit} a second, ${amountText(throttle.burst, budget)} at once`
            : "",
        block: "at 100 % of the limit",
    };
    return el(
        "ol",
        {class: "ladder", "aria-label": "What happens at the limit"},
        steps
            .filter((step, index) => index <= reach && (step !== "throttle" || throttle))
            .map((step) =>
                el(
                    "li",
                    {class: "ladder-on"},
                    el("strong", {}, modes[step][0]),
                    el("span", {class: "quiet"}, notes[step]),
                ),
            ),
    );
}

function thresholds(budget, unit) {
    if (budget.thresholds.length === 0)
        return el("p", {class: "quiet"}, "No thresholds: nobody is told of anything.");
    const crossed = budget.state.crossed ?? [];
    return el(
        "ul",
        {class: "chips"},
        budget.thresholds.map((threshold) => {
            const over = crossed.some((one) => sameThreshold(one, threshold));
            return el(
                "li",
                {class: over ? "chip chip-over" : "chip"},
                thresholdText(threshold, unit),
                over && el("span", {}, " \u00b7 crossed"),
            );
        }),
    );
}

function rules(budget, unit, recipients, zone) {
    const known = budget.recipients
        .map((id) => recipients.find((one) => one.id === id))
        .filter(Boolean)
        .map(({name, to}) => visible(name || to));
    const others = budget.recipients.length - known.length;
    const names = [
        ...known,
        ...(others > 0 ? [counted(others, known.length > 0 ? "other" : "recipient")] : []),
    ];
    const estimate = amountText(budget.default_estimate, budget);
    const row = (label, value) => [el("dt", {}, label), el("dd", {}, value)];
    return el(
        "section",
        {class: "card"},
        el("div", {class: "card-head"}, el("h2", {}, "Rules")),
        el(
            "div",
            {class: "card-body"},
            el(
                "dl",
                {class: "pairs"},
                row("At the limit", ladder(budget, unit)),
                budget.shadow &&
                    row(
                        "Trial",
                        "Shadow mode: it writes down what it would have refused, and refuses nothing.",
                    ),
                row("Thresholds", thresholds(budget, unit)),
                row(
                    "Recipients",
                    names.length > 0 ? names.join(", ") : "None: shown here and in Splunk only.",
                ),
                row("Whom to ask", visible(budget.contact)),
                budget.mode !== "notify" &&
                    row(
                        "Estimate",
                        `${estimate} ${unitFor(estimate, unit)} for a request that cannot say`,
                    ),
                row(
                    "Overrides",
                    budget.two_person
                        ? "A second administrator approves."
                        : "One administrator is enough.",
                ),
                row("Last changed", [
                    timeNode(budget.updated_at, zone),
                    ` (${zone}) by ${visible(budget.updated_by)}`,
                ]),
            ),
        ),
    );
}

// --- The page ------------------------------------------------------------------------------------

function removal(session, budget) {
    return formDialog(
        `Delete \u201c${visible(budget.name)}\u201d?`,
        el(
            "p",
            {},
            "From that moment on it holds nothing and tells nobody. What it did stays on record. This cannot be undone.",
        ),
        "Delete the budget",
        async () => {
            try {
                await sendChange(
                    session,
                    "DELETE",
                    path(budget.id, query({version: budget.version})),
                );
            } catch (problem) {
                if (problem.status === 404) return true; // somebody was faster
                if (problem.status !== 409) throw problem;
                problem.message =
                    "Somebody has changed this budget meanwhile. Close this, load the page again, and look before you delete it.";
                throw problem;
            }
            return true;
        },
        {danger: true},
    );
}

function buttons(session, budget) {
    if (!mayWrite(session)) return null;
    const remove = async () => {
        if (await removal(session, budget)) location.replace("/admin/budgets");
    };
    return el(
        "div",
        {class: "page-actions"},
        el(
            "a",
            {class: "button", href: `/admin/budgets/${encodeURIComponent(budget.id)}/edit`},
            "Change",
        ),
        el(
            "button",
            {class: "button button-danger-quiet", type: "button", on: {click: remove}},
            "Delete",
        ),
    );
}

function overridesCard(session, budget, unit, {zone, again}) {
    const body = el("div", {class: "card-body"}, loading("Loading \u2026"));
    const fill = async () => {
        try {
            const {overrides} = await getJson(path(budget.id, "/overrides"));
            replace(
                body,
                overrideList(session, budget, unit, overrides, {
                    write: mayWrite(session),
                    zone,
                    done: again,
                }),
            );
        } catch (problem) {
            replace(body, failure(problem, fill));
        }
    };
    fill();
    const ask = async () => {
        const made = await askOverride(session, budget, unit, zone);
        if (!made) return;
        announce(
            made.state === "waiting" ? "It waits for a second person" : "The override is in force",
        );
        again();
    };
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "card-head-row card-head-plain"},
            el("h2", {}, "Overrides"),
            mayWrite(session) &&
                el(
                    "button",
                    {class: "button button-small push", type: "button", on: {click: ask}},
                    icon(icons.plus),
                    "Override",
                ),
        ),
        body,
    );
}

async function budgetPage({main, session}, id) {
    const [budget, {meters}, told, zone] = await Promise.all([
        getJson(path(id)),
        getJson("/v1/meters"),
        perhaps(getJson("/v1/recipients"), {recipients: []}),
        tenantZone(),
    ]);
    const unit = unitOf(budget, meters);
    const again = () =>
        budgetPage({main, session}, id).catch((problem) => announce(problem.message));
    adminFrame(
        main,
        session,
        el(
            "nav",
            {class: "crumbs", "aria-label": "Above"},
            el("a", {href: "/admin/budgets"}, "Budgets"),
        ),
        pageHead(
            visible(budget.name),
            budget.basis === "cost"
                ? budget.meters.length > 0
                    ? `Cost of ${budget.meters.map(visible).join(", ")}, ${periods[budget.period]}`
                    : `All cost, ${periods[budget.period]}`
                : `${budget.meters.map(visible).join(", ")}, ${periods[budget.period]}`,
            buttons(session, budget),
        ),
        el(
            "div",
            {class: "stack"},
            stateCard(budget, unit, zone, meters),
            el(
                "div",
                {class: "two"},
                rules(budget, unit, told.recipients, zone),
                overridesCard(session, budget, unit, {zone, again}),
            ),
            refusalsCard(budget, unit, zone),
            historyCard(budget, zone),
        ),
    );
}

async function formPage({main, session}, id) {
    if (!mayWrite(session)) {
        adminFrame(
            main,
            session,
            el(
                "div",
                {class: "card"},
                message(
                    "This is not for your role",
                    ["Only an administrator changes budgets."],
                    [el("a", {class: "button", href: "/admin/budgets"}, "All budgets")],
                ),
            ),
        );
        return;
    }
    const [budget, {meters}, told, prices, zone] = await Promise.all([
        id === "new" ? null : getJson(path(id)),
        getJson("/v1/meters"),
        perhaps(getJson("/v1/recipients"), {recipients: []}),
        perhaps(getJson("/v1/prices"), {currency: ""}),
        tenantZone(),
    ]);
    adminFrame(
        main,
        session,
        el(
            "nav",
            {class: "crumbs", "aria-label": "Above"},
            el("a", {href: "/admin/budgets"}, "Budgets"),
        ),
        budgetForm(
            {session, meters, recipients: told.recipients, currency: prices.currency, zone},
            budget,
        ),
    );
}

export async function show(place) {
    const {main, session, match} = place;
    const id = decodeURIComponent(match[1]);
    adminFrame(main, session, loading("Reading the budget \u2026"));
    try {
        await (id === "new" || match[2] ? formPage(place, id) : budgetPage(place, id));
    } catch (problem) {
        adminFrame(
            main,
            session,
            el(
                "div",
                {class: "card"},
                problem.status === 404
                    ? message(
                          "There is no such budget",
                          [
                              `The tenant ${visible(session.tenant)} has none with this address. It may have been ` +
                                  "deleted, or belong to another tenant: then sign in with a token of that one.",
                          ],
                          [el("a", {class: "button", href: "/admin/budgets"}, "All budgets")],
                          {role: "alert"},
                      )
                    : failure(problem, () => show(place)),
            ),
        );
    }
}
