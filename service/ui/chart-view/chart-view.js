// Draws stacked bars by day with uPlot: with graph-view/ the only part of the pages that is made of
// npm packages.
//
// The page gives everything that is to be seen (names of days, colours, values); this module knows
// nothing of meters, of the API or of the page around it. Values are numbers here, for the height
// of a bar; the amounts that people read are the page's, from the service's own decimals.
import uPlot from "uplot";

const DASH = [6, 4];
const HEADROOM = 1.08; // above the highest bar

// days: their names for the axis; years: their years, told where a range has more than one.
// series: [{colour, values}] from the bottom up; null is no value.
// lines: [{colour, value}]. settling: index of the first day whose number may still change, or the
// number of days. marks: indexes of days that are marked. axis(value) names a height.
// look: {ink, quiet, line, paper, accent, settling, mark, font}. onPoint gets a day's index or null.
export function drawChart(place, options) {
    return new Chart(place, options);
}

// Heights from the ground, the topmost first, so that what is painted later stands in front.
// Nothing is painted for nothing: a bar without height would cut into the ground line.
function stacked(series, count) {
    const sums = new Array(count).fill(0);
    const heights = series.map(({values}) =>
        values.map((value, day) => (value ? (sums[day] += value) : null)),
    );
    return {heights: heights.reverse(), most: Math.max(0, ...sums)};
}

// The names of some days; where another year begins, and at the first of them, it stands below.
function named({days, years}, splits) {
    const several = years[0] !== years.at(-1);
    return splits.map((day, i) => {
        const news = several && years[day] !== years[splits[i - 1]];
        return days[day] ? `${days[day]}${news ? `\n${years[day]}` : ""}` : "";
    });
}

class Chart {
    #plot;
    #options;
    #watch;
    #band;
    #shown = null;

    constructor(place, options) {
        this.#options = options;
        const count = options.days.length;
        const {heights, most} = stacked(options.series, count);
        const {lines} = options;
        const top = Math.max(most, ...lines.map(({value}) => value)) * HEADROOM || 1;
        this.#plot = new uPlot(
            this.#settings(place, count, top, lines),
            [options.days.map((_, day) => day), ...heights],
            place,
        );
        this.#band = this.#plot.over.appendChild(document.createElement("div"));
        this.#band.className = "chart-band";
        this.#band.hidden = true;
        this.#watch = new ResizeObserver(() => {
            if (place.clientWidth > 0)
                this.#plot.setSize({width: place.clientWidth, height: options.height});
        });
        this.#watch.observe(place);
    }

    #settings(place, count, top, lines) {
        const {look, years, axis, series} = this.#options;
        const ratio = window.devicePixelRatio || 1;
        const bars = uPlot.paths.bars({size: [count > 45 ? 0.9 : 0.72, 46, 1], gap: 0});
        const words = {stroke: look.quiet, font: `12px ${look.font}`, ticks: {show: false}};
        return {
            width: Math.max(place.clientWidth, 200),
            height: this.#options.height,
            padding: [10, 4, 0, 0],
            legend: {show: false},
            cursor: {x: false, y: false, points: {show: false}, drag: {x: false, y: false}},
            scales: {
                x: {time: false, range: () => [-0.5, count - 0.5]},
                y: {range: () => [0, top]},
            },
            axes: [
                {
                    ...words,
                    grid: {show: false},
                    incrs: [1, 2, 3, 7, 14, 28, 56],
                    space: 64,
                    size: years[0] === years.at(-1) ? 30 : 46,
                    values: (_, splits) => named(this.#options, splits),
                },
                {
                    ...words,
                    grid: {stroke: look.line, width: 1 / ratio},
                    size: 66,
                    space: 42,
                    values: (_, splits) => splits.map(axis),
                },
            ],
            series: [
                {},
                ...[...series].reverse().map(({colour}) => ({
                    fill: colour,
                    stroke: look.paper,
                    width: count > 45 ? 0 : 1,
                    paths: bars,
                    points: {show: false},
                })),
            ],
            hooks: {
                drawClear: [(plot) => this.#shade(plot, count)],
                draw: [(plot) => this.#rule(plot, lines), (plot) => this.#mark(plot)],
                setCursor: [(plot) => this.#point(plot.cursor.left < 0 ? null : plot.cursor.idx)],
            },
        };
    }

    // The days whose numbers are not final lie on another ground.
    #shade(plot, count) {
        const {settling, look} = this.#options;
        if (settling >= count) return;
        const {ctx, bbox} = plot;
        const left = plot.valToPos(settling - 0.5, "x", true);
        ctx.save();
        ctx.fillStyle = look.settling;
        ctx.fillRect(left, bbox.top, bbox.left + bbox.width - left, bbox.height);
        ctx.restore();
    }

    #rule(plot, lines) {
        const {ctx, bbox} = plot;
        const ratio = window.devicePixelRatio || 1;
        ctx.save();
        ctx.lineWidth = 2 * ratio;
        ctx.setLineDash(DASH.map((length) => length * ratio));
        for (const {colour, value} of lines) {
            const y = plot.valToPos(value, "y", true);
            ctx.strokeStyle = colour;
            ctx.beginPath();
            ctx.moveTo(bbox.left, y);
            ctx.lineTo(bbox.left + bbox.width, y);
            ctx.stroke();
        }
        ctx.restore();
    }

    // A triangle on its point above each marked day.
    #mark(plot) {
        const {marks, look} = this.#options;
        const ratio = window.devicePixelRatio || 1;
        const [half, tall] = [5 * ratio, 8 * ratio];
        const {ctx, bbox, data} = plot;
        ctx.save();
        ctx.fillStyle = look.mark;
        for (const day of marks) {
            const height = Math.max(0, ...data.slice(1).map((values) => values[day] ?? 0));
            const x = plot.valToPos(day, "x", true);
            const y = Math.max(
                plot.valToPos(height, "y", true) - 3 * ratio,
                bbox.top + tall - 8 * ratio,
            );
            ctx.beginPath();
            ctx.moveTo(x, y);
            ctx.lineTo(x - half, y - tall);
            ctx.lineTo(x + half, y - tall);
            ctx.fill();
        }
        ctx.restore();
    }

    #point(day) {
        const wanted = day ?? null;
        if (wanted === this.#shown) return;
        this.show(wanted);
        this.#options.onPoint(wanted);
    }

    // Puts a band behind the day; null takes it away.
    show(day) {
        this.#shown = day;
        if (!this.#band) return;
        this.#band.hidden = day === null;
        if (day === null) return;
        const left = this.#plot.valToPos(day - 0.5, "x");
        this.#band.style.left = `${left}px`;
        this.#band.style.width = `${this.#plot.valToPos(day + 0.5, "x") - left}px`;
    }

    done() {
        this.#watch.disconnect();
        this.#plot.destroy();
    }
}
