// The line on top of the usage page: spent so far, what it comes to, the nearest budget, days left,
// and up to when the numbers are complete.
import {el} from "./dom.js";
import {decimal, moneyText, plain} from "./decimal.js";
import {dayOf, longDay, minuteOf, shortDay, spanText} from "./days.js";
import {daysLeft, nearest} from "./usage-model.js";
import {DAYS_KNOWN, forecastRange, isUrgent, meterBar, verdictBadge} from "./budget-parts.js";
import {counted, visible} from "./text.js";

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

function money(text, currency) {
    const value = decimal(text);
    if (!value) return "\u2013";
    return el(
        "span",
        {title: `${plain(value)} ${currency}`},
        `${moneyText(value)} `,
        el("small", {}, currency),
    );
}

function forecastTile({forecast, currency}) {
    if (!forecast || !decimal(forecast.expected))
        return tile("Forecast", "\u2013", "Too little is known yet for a forecast.");
    const [low, high] = [decimal(forecast.low), decimal(forecast.high)];
    return tile(
        "Forecast to the end",
        money(forecast.expected, currency),
        low && high && forecastRange(moneyText(low), moneyText(high), currency),
        forecast.days < DAYS_KNOWN && "By the pace so far: too few days are known.",
    );
}

function budgetTile(budgets, mayMake) {
    const costs = budgets.filter(({basis, state}) => basis === "cost" && state);
    const budget = nearest(costs.length ? costs : budgets.filter(({state}) => state));
    if (!budget) {
        return tile(
            "Budget",
            "None",
            mayMake
                ? el("a", {href: "/admin/budgets/new"}, "Set a budget")
                : "Nobody has set a budget.",
        );
    }
    const share = decimal(budget.state.share);
    const others = budgets.filter((one) => one !== budget && isUrgent(one)).length;
    return tile(
        "Nearest budget",
        [share ? `${budget.state.share} %` : "\u2013", " ", verdictBadge(budget)],
        meterBar(budget),
        el("a", {href: `/admin/budgets/${encodeURIComponent(budget.id)}`}, visible(budget.name)),
        others > 0 &&
            el("a", {href: "/admin/budgets"}, `${counted(others, "other")} held back or over the limit`),
    );
}

function completeTile({costs, zone, now}) {
    const at = Date.parse(costs.complete_up_to);
    if (Number.isNaN(at)) return tile("Complete up to", "\u2013");
    const settled = at >= Math.min(Date.parse(costs.to), now);
    return tile(
        "Complete up to",
        el(
            "time",
            {datetime: costs.complete_up_to, title: minuteOf(at, zone)},
            `${shortDay(dayOf(at, zone))}, ${minuteOf(at, zone).slice(11)}`,
        ),
        settled ? "Every number here is settled." : `${zone}. Later numbers still settle.`,
    );
}

export function usageHeader(frame, mayMake) {
    const {costs, period, zone, now, priced} = frame;
    const left = daysLeft(period.to, now);
    return el(
        "section",
        {class: "card", "aria-label": "This billing period"},
        el(
            "dl",
            {class: "tiles"},
            priced
                ? tile(
                      "Spend to date",
                      money(costs.total, costs.currency),
                      spanText(period.from, period.to, zone),
                  )
                : tile(
                      "Spend to date",
                      "Not known",
                      "No prices are set for this tenant.",
                      mayMake && el("a", {href: "/admin/prices/new"}, "Set prices"),
                  ),
            priced && forecastTile(costs),
            budgetTile(frame.budgets, mayMake),
            tile("Days left", String(left), `To the end of ${longDay(dayOf(period.to - 1, zone))}`),
            completeTile(frame),
        ),
        unpriced(costs),
    );
}

function unpriced({unpriced: names = [], currency}) {
    if (!currency || names.length === 0) return null;
    return el(
        "p",
        {class: "quiet tiles-foot"},
        `Without a price, and so in no cost: ${names.map(visible).join(", ")}.`,
    );
}
