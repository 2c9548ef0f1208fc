// Amounts and quantities as the service writes them: decimal text. Nothing that people read goes
// through a floating number; only the height of a bar does. Pure; no DOM.

const shape = /^(-?)(\d{1,60})(?:\.(\d{1,18}))?$/;
const power = (places) => 10n ** BigInt(places);

// "12.50" -> {units: 1250n, scale: 2}; null for what is no decimal.
export function decimal(text) {
    const found = shape.exec(String(text ?? ""));
    if (!found) return null;
    const [, sign, whole, rest = ""] = found;
    const units = BigInt(whole + rest);
    return {units: sign ? -units : units, scale: rest.length};
}

export const zero = Object.freeze({units: 0n, scale: 0});
const one = Object.freeze({units: 1n, scale: 0});

const at = ({units, scale}, to) => units * power(to - scale);

export function plus(a, b) {
    const scale = Math.max(a.scale, b.scale);
    return {units: at(a, scale) + at(b, scale), scale};
}

export function minus(a, b) {
    return plus(a, {units: -b.units, scale: b.scale});
}

export function compare(a, b) {
    const scale = Math.max(a.scale, b.scale);
    const difference = at(a, scale) - at(b, scale);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

// units divided by `by`, to a whole number, halves to even.
function divided(units, by) {
    const negative = units < 0n !== by < 0n;
    const [a, b] = [units < 0n ? -units : units, by < 0n ? -by : by];
    const twice = (a % b) * 2n;
    let whole = a / b;
    if (twice > b || (twice === b && whole % 2n === 1n)) whole += 1n;
    return negative ? -whole : whole;
}

export function rounded(value, places) {
    if (value.scale <= places) return {units: at(value, places), scale: places};
    return {units: divided(value.units, power(value.scale - places)), scale: places};
}

// value * times / by, with so many places.
export function scaled(value, times, by, places) {
    const units = value.units * times.units * power(by.scale + places);
    const under = by.units * power(value.scale + times.scale);
    return {units: divided(units, under), scale: places};
}

// "-1,234.50", the places as they are.
export function grouped({units, scale}) {
    const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
    const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ",");
    const rest = scale > 0 ? `.${digits.slice(-scale)}` : "";
    return `${units < 0n ? "\u2212" : ""}${whole}${rest}`;
}

// Without zeros at its end, but with `least` places.
export function trimmed(value, least = 0) {
    let {units, scale} = value;
    while (scale > least && units % 10n === 0n) {
        units /= 10n;
        scale -= 1;
    }
    return scale < least ? {units: at({units, scale}, least), scale: least} : {units, scale};
}

// To the cent, and what is less than a cent but not nothing as "<0.01".
export function moneyText(value) {
    const cents = rounded(value, 2);
    if (cents.units === 0n && value.units > 0n) return "<0.01";
    return grouped(cents);
}

// A quantity with at most three places.
export function quantityText(value) {
    const short = trimmed(rounded(value, 3));
    if (short.units === 0n && value.units > 0n) return "<0.001";
    return grouped(short);
}

// Part of whole in percent with one place, "" where there is no whole.
export function shareText(part, whole) {
    if (whole.units === 0n) return "";
    return `${grouped(scaled(part, {units: 100n, scale: 0}, whole, 1))} %`;
}

const TENFOLD = {units: 10n, scale: 0};

// How much more than before: "+12.5 %", "new", ""; from ten times as much on "\u00d712.5", as percents of
// four digits and more are not read.
export function changeText(now, before) {
    if (before === null || before.units === 0n) return now.units === 0n ? "" : "new";
    if (compare(now, scaled(before, TENFOLD, one, before.scale)) >= 0)
        return `\u00d7${grouped(scaled(now, one, before, 1))}`;
    const percent = scaled(minus(now, before), {units: 100n, scale: 0}, before, 1);
    if (percent.units === 0n) return "0.0 %";
    return `${percent.units > 0n ? "+" : ""}${grouped(percent)} %`;
}

// For drawing alone.
export function drawable(value) {
    return Number(value.units) / 10 ** value.scale;
}

// Whole text of the value, as the service takes it: "1250.5".
export function plain(value) {
    return grouped(trimmed(value)).replaceAll(",", "").replace("\u2212", "-");
}

// People type "1,000.50" and "1 000": blanks, and commas between thousands, are taken out.
export function numberOf(typed) {
    return typed
        .trim()
        .replace(/[\s\u00a0\u202f]/g, "")
        .replace(/,(?=\d{3}(\D|$))/g, "");
}
