// Unusual days in words, and saying what was behind one.
import {el} from "./dom.js";
import {mayWrite} from "./admin-frame.js";
import {shortDay} from "./days.js";
import {decimal, quantityText, scaled} from "./decimal.js";
import {askReason, sendChange} from "./form.js";
import {announce, badge} from "./parts.js";
import {counted, unitFor, visible} from "./text.js";

function amount(text, unit) {
    const value = decimal(text);
    if (!value) return visible(text);
    const shown = quantityText(value);
    return `${shown} ${unitFor(shown, unit)}`;
}

function words(anomaly) {
    const unit = visible(anomaly.shown_unit ?? "");
    const because = anomaly.explained_by;
    const share = decimal(because?.share);
    const percent = share && scaled(share, {units: 100n, scale: 0}, {units: 1n, scale: 0}, 0);
    return [
        el("strong", {}, visible(anomaly.meter)),
        ` ${amount(anomaly.shown, unit)}, usually about ${amount(anomaly.usual_shown, unit)}`,
        because &&
            el(
                "span",
                {class: "quiet"},
                because.value
                    ? ` \u00b7 mostly ${visible(because.dimension)} \u201c${visible(because.value)}\u201d`
                    : ` \u00b7 mostly where no ${visible(because.dimension)} is named`,
                percent && ` (${quantityText(percent)}\u00a0% of the difference)`,
            ),
    ];
}

function explain(anomaly, {session, again}) {
    const ask = async () => {
        const done = await askReason(
            "What was behind this day?",
            `${visible(anomaly.meter)}: ${amount(anomaly.shown, visible(anomaly.shown_unit))}.`,
            "Put it on record",
            (reason) =>
                sendChange(
                    session,
                    "POST",
                    `/v1/usage/anomalies/${encodeURIComponent(anomaly.id)}/acknowledge`,
                    {reason},
                ),
        );
        if (!done) return;
        announce("Put on record");
        again();
    };
    return el(
        "button",
        {class: "button button-small push", type: "button", on: {click: ask}},
        "Explain",
        el("span", {class: "unseen"}, ` ${visible(anomaly.meter)}`),
    );
}

export function anomalyList(marks, days, doing) {
    if (marks.length === 0) return null;
    return el(
        "section",
        {class: "card"},
        el("div", {class: "card-head"}, el("h2", {}, counted(marks.length, "unusual day"))),
        el(
            "ul",
            {class: "card-body plain-list"},
            marks.map(({day, anomaly}) =>
                el(
                    "li",
                    {class: "anomaly"},
                    el("span", {class: "badge badge-mark"}, shortDay(days[day])),
                    el("span", {}, words(anomaly)),
                    anomaly.state === "acknowledged"
                        ? badge(
                              `${visible(anomaly.acknowledged_by ?? "")}: ${visible(anomaly.reason ?? "explained")}`,
                          )
                        : mayWrite(doing.session) && explain(anomaly, doing),
                ),
            ),
        ),
    );
}
