// Days in a tenant's time zone. A day is text, "2026-11-23": its length is the zone's affair. Pure.

const formats = new Map();

function formatOf(zone) {
    if (!formats.has(zone)) {
        formats.set(
            zone,
            new Intl.DateTimeFormat("en-CA", {
                timeZone: zone,
                hourCycle: "h23",
                year: "numeric",
                month: "2-digit",
                day: "2-digit",
                hour: "2-digit",
                minute: "2-digit",
                second: "2-digit",
            }),
        );
    }
    return formats.get(zone);
}

// The zone when this browser knows it, else UTC: some zones of the service may be newer.
export function knownZone(zone) {
    try {
        formatOf(zone);
        return zone;
    } catch {
        return "UTC";
    }
}

function partsOf(ms, zone) {
    const parts = {};
    for (const {type, value} of formatOf(zone).formatToParts(ms)) parts[type] = value;
    return parts;
}

export function dayOf(ms, zone) {
    const {year, month, day} = partsOf(ms, zone);
    return `${year}-${month}-${day}`;
}

// "2026-11-23 14:05" in the zone
export function minuteOf(ms, zone) {
    const {year, month, day, hour, minute} = partsOf(ms, zone);
    return `${year}-${month}-${day} ${hour}:${minute}`;
}

export function isDay(text) {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(text ?? "")) return false;
    const ms = Date.parse(`${text}T00:00:00Z`);
    return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

export function dayAfter(day, count = 1) {
    return new Date(Date.parse(`${day}T00:00:00Z`) + count * 86400000).toISOString().slice(0, 10);
}

// How far the zone's clock is ahead of UTC at that moment, in milliseconds.
function aheadOf(ms, zone) {
    const {year, month, day, hour, minute, second} = partsOf(ms, zone);
    const wall = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second);
    return wall - Math.floor(ms / 1000) * 1000;
}

// The moment at which a wall clock in the zone shows the day and, if given, "14:05"; where the clock
// is put forward over it, the first moment after the gap.
export function momentOf(day, zone, clock = "00:00") {
    const wall = Date.parse(`${day}T${clock}:00Z`);
    const early = wall - aheadOf(wall - 86400000, zone);
    const late = wall - aheadOf(wall + 86400000, zone);
    const moments = [Math.min(early, late), Math.max(early, late)];
    const fits = moments.find((ms) => ms + aheadOf(ms, zone) === wall);
    if (fits !== undefined) return fits;
    let [low, high] = moments;
    while (high - low > 1000) {
        const middle = low + Math.floor((high - low) / 2000) * 1000;
        if (middle + aheadOf(middle, zone) < wall) low = middle;
        else high = middle;
    }
    return high;
}

// Every day from the one of `from` to the one of the last moment before `to`; at most 1,000.
export function daysFrom(from, to, zone) {
    const days = [];
    const last = dayOf(Math.max(from, to - 1), zone);
    for (let day = dayOf(from, zone); day <= last && days.length < 1000; day = dayAfter(day))
        days.push(day);
    return days;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

// "23 Nov"
export function shortDay(day) {
    return `${Number(day.slice(8))} ${months[Number(day.slice(5, 7)) - 1]}`;
}

// "23 Nov 2026"
export function longDay(day) {
    return `${shortDay(day)} ${day.slice(0, 4)}`;
}

// "1 \u2013 30 Nov 2026" of two moments, the second excluded
export function spanText(from, to, zone) {
    const [first, last] = [dayOf(from, zone), dayOf(Math.max(from, to - 1), zone)];
    if (first === last) return longDay(first);
    if (first.slice(0, 7) === last.slice(0, 7))
        return `${Number(first.slice(8))} \u2013 ${longDay(last)}`;
    const head = first.slice(0, 4) === last.slice(0, 4) ? shortDay(first) : longDay(first);
    return `${head} \u2013 ${longDay(last)}`;
}
