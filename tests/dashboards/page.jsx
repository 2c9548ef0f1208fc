// One dashboard in Splunk's own renderer. The test hands over a definition and the rows that its
// searches would give; everything else (tokens, inputs, drilldowns, layout, theme) is Splunk's.
import React from "react";
import {createRoot} from "react-dom/client";
import coreModule from "@splunk/dashboard-core";
import {DashboardContextProvider} from "@splunk/dashboard-context";
import presetModule from "@splunk/dashboard-presets/EnterpriseViewOnlyPreset";
import {SplunkSearch, TestDataSource} from "@splunk/datasources";
import themeModule from "@splunk/themes/SplunkThemeProvider";

// The packages are CommonJS: what they export lies one step down.
const exported = (module) => module.default ?? module;
const [DashboardCore, SplunkThemeProvider, preset] = [coreModule, themeModule, presetModule].map(
    exported,
);

// A search without a Splunk behind it: what Splunk would be sent, tokens filled in, is noted in
// window.searches, and window.rows[<id of the data source>] comes back as ds.test gives it.
class RecordedSearch extends TestDataSource {
    static config = SplunkSearch.config;

    constructor(options, context, ...rest) {
        const rows = window.rows[context.id];
        if (!rows) throw new Error(`there are no rows for the search ${context.id}`);
        super(
            rows.error ? {error: rows.error, errorLevel: "error"} : {data: rows},
            context,
            ...rest,
        );
        const {query, extend, queryParameters} = options;
        window.searches.push({id: context.id, query, extend, ...queryParameters});
    }
}

const dataSources = {
    ...preset.dataSources,
    "ds.search": RecordedSearch,
    "ds.chain": RecordedSearch,
};

window.searches = [];
window.show = (definition, theme, rows) => {
    window.rows = rows;
    document.body.style.background = theme === "dark" ? "#0b0c0e" : "#fff";
    createRoot(document.getElementById("root")).render(
        <SplunkThemeProvider family="enterprise" colorScheme={theme} density="comfortable">
            <DashboardContextProvider
                preset={{...preset, dataSources}}
                initialDefinition={definition}
                initialMode="view"
            >
                <DashboardCore width="100%" height="auto" />
            </DashboardContextProvider>
        </SplunkThemeProvider>,
    );
};
