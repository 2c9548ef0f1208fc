// The settings page: started by appserver/templates/settings.html, inside Splunk's own layout.
import layout from "@splunk/react-page/18";
import {getUserTheme} from "@splunk/splunk-utils/themes";
import Page from "./page.jsx";

// What the template says where this file is missing.
document.getElementById("intelgraph-no-page")?.remove();
getUserTheme().then((theme) => {
    layout(<Page />, {
        pageTitle: "Settings | IntelGraph for Splunk",
        theme: /dark/i.test(theme) ? "dark" : "light",
    });
});
