// What was typed into a form and not sent yet. It stays in the browser's tab, by tenant and person.
const PREFIX = "intelgraph-draft ";

// Keeps values until they are sent or thrown away.
export function draftOf(session, place) {
    const key = `${PREFIX}${session.tenant} ${session.name} ${place}`;
    return {
        read() {
            try {
                return JSON.parse(sessionStorage.getItem(key));
            } catch {
                return null;
            }
        },
        keep(values) {
            try {
                sessionStorage.setItem(key, JSON.stringify(values));
            } catch {
                // Storage may be closed to us; then a reload loses what was typed.
            }
        },
        drop() {
            try {
                sessionStorage.removeItem(key);
            } catch {
                // Nothing was kept.
            }
        },
    };
}

export function forgetDrafts() {
    try {
        for (const key of Object.keys(sessionStorage))
            if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    } catch {
        // Storage is closed to us: nothing was kept.
    }
}
