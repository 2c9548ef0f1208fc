// The chart of the usage page, what is under the pointer in words, and the same numbers as a table.
// The library that draws is loaded here; where a build has none, the table is shown at once.
import {el, icon, icons, replace} from "./dom.js";
import {compare, drawable, plus, zero} from "./decimal.js";
import {longDay, shortDay} from "./days.js";
import {visible} from "./text.js";

const HEIGHT = 300;
const FAR = 3n; // a line so many times above the highest bar would flatten the bars: it is told, not drawn
const hasDrawing = () => document.querySelector("meta[name=intelgraph-drawing]")?.content === "yes";

function colourOf(probe, className) {
    probe.className = className;
    return getComputedStyle(probe).color;
}

function lookOf(place) {
    const probe = place.appendChild(el("span", {hidden: true}));
    const look = {};
    for (const name of ["ink", "quiet", "line", "paper", "settling", "mark", "budget"])
        look[name] = colourOf(probe, `chart-${name}`);
    look.font = getComputedStyle(place).fontFamily;
    look.series = (index) => colourOf(probe, `series-${index}`);
    look.done = () => probe.remove();
    return look;
}

function legend(chart) {
    return el(
        "ul",
        {class: "chart-legend", "aria-label": "Legend"},
        chart.groups.map(({name}, index) =>
            el("li", {}, el("span", {class: `swatch series-${index}`}), visible(name)),
        ),
        chart.lines.map((line) =>
            el(
                "li",
                {},
                el("span", {class: "swatch-line chart-budget"}),
                visible(line.name),
                isFar(chart, line) &&
                    `: ${chart.text(line.value)} ${chart.unit}, above the chart`,
            ),
        ),
        chart.marks.length > 0 &&
            el("li", {}, el("span", {class: "swatch-mark chart-mark"}), "Unusual day"),
        chart.settling < chart.days.length &&
            el("li", {}, el("span", {class: "swatch swatch-settling"}), "Still settling"),
    );
}

function isFar(chart, {value}) {
    const most = chart.days.reduce((highest, _, index) => {
        const all = dayTotal(chart, index);
        return compare(all, highest) > 0 ? all : highest;
    }, zero);
    return most.units > 0n && compare(value, {units: most.units * FAR, scale: most.scale}) > 0;
}

const settles = (chart, index) => index >= chart.settling;

// "23 Nov 2026: 12.40 EUR. inference.tokens 10.00, ..." of one day.
function words(chart, index) {
    const parts = chart.groups
        .filter(({values}) => values[index] && values[index].units !== 0n)
        .map(({name, values}) => `${visible(name)} ${chart.text(values[index])}`);
    const all = dayTotal(chart, index);
    return [
        el("strong", {}, longDay(chart.days[index])),
        el("span", {}, `${chart.text(all)} ${chart.unit}`),
        settles(chart, index) && el("span", {class: "badge badge-warn"}, "still settling"),
        chart.marks
            .filter(({day}) => day === index)
            .map(({text}) => el("span", {class: "badge badge-mark"}, text)),
        el("span", {class: "quiet"}, parts.join(" \u00b7 ")),
    ];
}

function dayTotal(chart, index) {
    return chart.groups.reduce((sum, {values}) => plus(sum, values[index] ?? zero), zero);
}

function dayTable(chart) {
    const head = (text, number) =>
        el("th", {scope: "col", class: number ? "number" : undefined}, text);
    return el(
        "div",
        {class: "scroll-x", tabindex: "0", role: "region", "aria-label": "The chart as a table"},
        el(
            "table",
            {class: "table table-tight"},
            el("caption", {class: "unseen"}, chart.caption),
            el(
                "thead",
                {},
                el(
                    "tr",
                    {},
                    head("Day"),
                    chart.groups.map(({name}) => head(visible(name), true)),
                    head(`Together (${chart.unit})`, true),
                ),
            ),
            el(
                "tbody",
                {},
                chart.days.map((day, index) =>
                    el(
                        "tr",
                        {},
                        el(
                            "th",
                            {scope: "row"},
                            longDay(day),
                            settles(chart, index) &&
                                el("span", {class: "badge badge-warn"}, "still settling"),
                            chart.marks
                                .filter((mark) => mark.day === index)
                                .map(({text}) => el("span", {class: "badge badge-mark"}, text)),
                        ),
                        chart.groups.map(({values}) =>
                            el(
                                "td",
                                {class: "number"},
                                values[index] === null ? "\u2013" : chart.text(values[index]),
                            ),
                        ),
                        el("td", {class: "number"}, chart.text(dayTotal(chart, index))),
                    ),
                ),
            ),
        ),
    );
}

// The drawing in `stage`; gives a function that ends it. With the arrow keys the day moves on.
async function drawIn(stage, readout, chart) {
    const library = await import("./chart-view.js");
    const idle = () =>
        replace(
            readout,
            el("span", {class: "quiet"}, "Point at a day, or move with the arrow keys."),
        );
    let shown = null;
    let drawing = null;
    const tell = (index) => {
        shown = index;
        if (index === null) idle();
        else replace(readout, words(chart, index));
        if (index === null) return;
        stage.setAttribute("aria-valuenow", String(index));
        stage.setAttribute("aria-valuetext", readout.textContent);
    };
    const draw = () => {
        drawing?.done();
        stage.replaceChildren();
        const look = lookOf(stage);
        drawing = library.drawChart(stage, {
            height: HEIGHT,
            days: chart.days.map(shortDay),
            years: chart.days.map((day) => day.slice(0, 4)),
            series: chart.groups.map(({values}, index) => ({
                colour: look.series(index),
                values: values.map((value) => (value === null ? null : drawable(value))),
            })),
            lines: chart.lines
                .filter((line) => !isFar(chart, line))
                .map(({value}) => ({colour: look.budget, value: drawable(value)})),
            settling: chart.settling,
            marks: chart.marks.map(({day}) => day),
            axis: chart.axis,
            look,
            onPoint: tell,
        });
        look.done();
    };
    stage.addEventListener("keydown", (event) => {
        const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
        if (!step) return;
        event.preventDefault();
        const from = shown ?? (step > 0 ? -1 : chart.days.length);
        const next = Math.min(Math.max(from + step, 0), chart.days.length - 1);
        drawing.show(next);
        tell(next);
    });
    idle();
    draw();
    stage.setAttribute("data-drawn", "");
    document.addEventListener("themechange", draw);
    return () => {
        document.removeEventListener("themechange", draw);
        drawing?.done();
    };
}

// chart: {caption, unit, days, groups: [{name, values: [decimal]}], lines: [{name, value}], settling,
// marks: [{day, text}], text(decimal), axis(number)}. Gives the node and `done`.
export function chartCard(chart, controls) {
    const readout = el("p", {class: "chart-readout"});
    const stage = el("div", {
        class: "chart-stage",
        role: "slider",
        tabindex: "0",
        "aria-label": `${chart.caption}: the day that is told`,
        "aria-valuemin": "0",
        "aria-valuemax": String(chart.days.length - 1),
        "aria-valuenow": String(chart.days.length - 1),
        "aria-valuetext": "none yet",
    });
    const details = el(
        "details",
        {class: "chart-table"},
        el("summary", {}, "Show as a table"),
        dayTable(chart),
    );
    const body = el("div", {class: "card-body"});
    const node = el(
        "section",
        {class: "card chart-card"},
        el("div", {class: "card-head-row"}, el("h2", {}, chart.caption), controls),
        body,
    );
    const bare = (sentence) => {
        details.open = true;
        replace(body, el("p", {class: "notice"}, icon(icons.warning), sentence), details);
    };
    let end = () => {};
    let over = false;
    if (!hasDrawing()) {
        bare(
            "This build has no drawing library: npm was not reached when it was made. The table holds every number.",
        );
    } else {
        replace(body, legend(chart), stage, readout, details);
        drawIn(stage, readout, chart).then(
            (done) => (over ? done() : (end = done)),
            () => bare("The drawing library did not load. The table holds every number."),
        );
    }
    return {
        node,
        done() {
            over = true;
            end();
        },
    };
}
