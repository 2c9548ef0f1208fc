// Talks to the service's JSON API. Every failure becomes one Problem with a sentence for people.

export class Problem extends Error {
    constructor(status, title, detail, field = "") {
        super(detail || title);
        this.status = status; // 0: the service was not reached
        this.title = title;
        this.field = field; // the member of the request that is wrong, where the service names one
    }
}

async function problemOf(response) {
    let told = {};
    try {
        told = await response.json();
    } catch {
        // A proxy in between may answer with something else.
    }
    const title =
        typeof told.title === "string" ? told.title : `The service answered ${response.status}`;
    return new Problem(
        response.status,
        title,
        typeof told.detail === "string" ? told.detail : "",
        typeof told.field === "string" ? told.field : "",
    );
}

export async function call(method, path, body) {
    const headers = {Accept: "application/json"};
    if (method !== "GET") headers["X-IntelGraph-CSRF"] = "1";
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response;
    try {
        response = await fetch(path, {
            method,
            headers,
            credentials: "same-origin",
            body: body === undefined ? undefined : JSON.stringify(body),
        });
    } catch {
        throw new Problem(
            0,
            "The service cannot be reached",
            "No answer came from IntelGraph. Check your connection, then try again.",
        );
    }
    if (!response.ok) throw await problemOf(response);
    return response;
}

export async function getJson(path) {
    const response = await call("GET", path);
    try {
        return await response.json();
    } catch {
        throw new Problem(
            response.status,
            "The answer cannot be read",
            "What came back is not JSON. Something between this page and the service may have changed it.",
        );
    }
}

// Changes something for whom the page was made. All tabs of a browser share one session: when another
// tab has signed in as somebody else, nothing is sent in that one's name.
export async function change(session, method, path, body) {
    const now = await getJson("/v1/session").catch((problem) => {
        if (problem.status !== 0) throw problem;
        throw new Problem(
            503,
            problem.title,
            "Nothing was sent; what you typed is still here. Try again when the connection is back.",
        );
    });
    if (now.tenant !== session.tenant || now.name !== session.name) {
        throw new Problem(
            412,
            "Somebody else is signed in",
            `This browser is now signed in as ${now.name} of the tenant ${now.tenant}, and this page ` +
                `belongs to ${session.name} of ${session.tenant}. Nothing was sent. Sign in as ` +
                `${session.name} in another tab, then try again.`,
        );
    }
    const response = await call(method, path, body);
    return response.status === 204 ? null : response.json();
}

// query({a: 1, b: "", c: null}) -> "?a=1"
export function query(members) {
    const kept = Object.entries(members).filter(
        ([, value]) => value !== null && value !== undefined && value !== "",
    );
    return kept.length ? `?${new URLSearchParams(kept)}` : "";
}

// Where a page sends a visitor whose session is missing or over.
export function goToSignIn() {
    location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
}
