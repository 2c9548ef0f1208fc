// What a range was spent on, against as many days before.
import {breakable, el} from "./dom.js";
import {changeText, compare, plain, quantityText, shareText, zero} from "./decimal.js";
import {spanText} from "./days.js";
import {shownAmount, totalOf} from "./usage-model.js";
import {labelText, unitFor, visible} from "./text.js";

export const nameOf = (group, filters) => {
    if (group.key === null) return `Other (${group.count})`;
    if (group.key === "")
        return filters.by === "meter" ? filters.meter || "Everything" : `No ${filters.by} named`;
    return group.key;
};

function shareBar(part, whole) {
    const text = shareText(part, whole);
    const width =
        whole.units === 0n
            ? 0
            : Number(
                  (part.units * 10n ** BigInt(whole.scale) * 100n) /
                      (whole.units * 10n ** BigInt(part.scale)),
              );
    return el(
        "span",
        {class: "share"},
        el("progress", {
            class: "bar-plain",
            max: "100",
            value: String(width),
            "aria-hidden": "true",
        }),
        text,
    );
}

function changeCell(now, before) {
    const text = changeText(now, before);
    const way = before ? compare(now, before) : 0;
    return el(
        "td",
        {class: `number ${way > 0 ? "more" : way < 0 ? "less" : ""}`},
        text || "\u2013",
    );
}

function quantityOf(group, frame) {
    const meter = frame.meters.find(({name}) => name === group.key);
    if (!meter) return null;
    const text = quantityText(shownAmount(meter)(group.quantity));
    return `${text} ${unitFor(text, meter.shown_unit)}`;
}

function exact(value, measure) {
    return `${plain(measure.toShown ? measure.toShown(value) : value)} ${measure.unit}`;
}

const hasQuantity = ({measure, by}) => measure === "cost" && by === "meter";

// Where there is no room for its column, the quantity stands below the name.
function groupRow(group, {filters, frame, measure, all, earlier}) {
    const past = earlier.get(group.key) ?? zero;
    const quantity = hasQuantity(filters) && (quantityOf(group, frame) ?? "\u2013");
    return el(
        "tr",
        {},
        el(
            "th",
            {scope: "row", class: "cell-name"},
            breakable(visible(nameOf(group, filters))),
            quantity && el("div", {class: "only-narrow cell-note"}, quantity),
        ),
        quantity && el("td", {class: "number not-narrow"}, quantity),
        el(
            "td",
            {class: "number", title: exact(group.total, measure)},
            group.known === false
                ? el("span", {class: "quiet"}, "no price")
                : measure.text(group.total),
        ),
        el(
            "td",
            {class: "number not-narrow"},
            group.known === false ? "\u2013" : shareBar(group.total, all),
        ),
        el("td", {class: "number"}, group.known === false ? "\u2013" : measure.text(past)),
        changeCell(group.total, past),
    );
}

export function breakdown(filters, frame, report, measure, groups, before) {
    const all = totalOf(groups);
    const earlier = new Map(before.map(({key, total}) => [key, total]));
    const earlierAll = totalOf(before);
    const withQuantity = hasQuantity(filters);
    const gone = before
        .filter(({key, total}) => total.units !== 0n && !groups.some((group) => group.key === key))
        .map(({key}) => ({key, total: zero, quantity: zero}));
    const head = (text, kind = "number") => el("th", {scope: "col", class: kind}, text);
    const by = labelText(filters.by);
    return el(
        "section",
        {class: "card"},
        el(
            "div",
            {class: "card-head-row"},
            el("h2", {}, "Breakdown"),
            el(
                "p",
                {class: "quiet"},
                `${spanText(report.range.from, report.range.to, frame.zone)} against ` +
                    `${spanText(report.before.from, report.before.to, frame.zone)}`,
            ),
        ),
        el(
            "div",
            {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Breakdown"},
            el(
                "table",
                {class: "table breakdown"},
                el("caption", {class: "unseen"}, `Breakdown by ${by}`),
                el(
                    "thead",
                    {},
                    el(
                        "tr",
                        {},
                        head(by, ""),
                        withQuantity && head("Quantity", "number not-narrow"),
                        head(`${measure.title} (${measure.unit})`),
                        head("Share", "number not-narrow"),
                        head("Before"),
                        head("Change"),
                    ),
                ),
                el(
                    "tbody",
                    {},
                    [...groups, ...gone].map((group) =>
                        groupRow(group, {filters, frame, measure, all, earlier}),
                    ),
                ),
                el(
                    "tfoot",
                    {},
                    el(
                        "tr",
                        {},
                        el("th", {scope: "row"}, "Together"),
                        withQuantity && el("td", {class: "not-narrow"}),
                        el("td", {class: "number", title: exact(all, measure)}, measure.text(all)),
                        el("td", {class: "not-narrow"}),
                        el("td", {class: "number"}, measure.text(earlierAll)),
                        changeCell(all, earlierAll),
                    ),
                ),
            ),
        ),
    );
}
