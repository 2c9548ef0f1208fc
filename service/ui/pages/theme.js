// Runs before the first paint, so that the remembered theme does not flash in late.
(function () {
    "use strict";
    try {
        const kept = localStorage.getItem("intelgraph-theme");
        if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
    } catch {
        // Storage may be closed to us; the system's theme is then used.
    }
})();
