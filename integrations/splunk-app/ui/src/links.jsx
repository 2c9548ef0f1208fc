// Splunk shows no external link on a dashboard until an admin has listed its domain. An app cannot do
// that; the page looks and says how.
import Message from "@splunk/react-ui/Message";
import {isTrusted, linkHost} from "./model.mjs";
import {Card, Code} from "./look.jsx";

const label = (host) => `intelgraph_${host.replace(/[^A-Za-z0-9]+/g, "_")}`;

export default function Links({draft, domains}) {
    const hosts = [...new Set(draft.instances.map(linkHost).filter(Boolean))];
    const missing = domains === null ? hosts : hosts.filter((host) => !isTrusted(domains, host));
    return (
        <Card aria-labelledby="links-heading" data-test="links">
            <h2 id="links-heading">Links on dashboards</h2>
            <p>
                Splunk lets a dashboard lead only to domains that an admin has listed, and an app
                cannot list its own. <b>Open in IntelGraph</b> needs:
            </p>
            {hosts.length === 0 && <p>Enter the address of an instance first.</p>}
            {domains !== null && hosts.length > missing.length && (
                <Message type="success">
                    Listed: {hosts.filter((host) => !missing.includes(host)).join(", ")}
                </Message>
            )}
            {missing.length > 0 && (
                <>
                    <Message type={domains === null ? "info" : "warning"}>
                        {domains === null
                            ? "Whether they are listed could not be read. To list them:"
                            : "Not listed yet:"}{" "}
                        {missing.join(", ")}
                    </Message>
                    <p>
                        Splunk Cloud: Settings &gt; Server settings &gt; Dashboards Trusted Domains
                        List. Splunk Enterprise:{" "}
                        <code>$SPLUNK_HOME/etc/system/local/web-features.conf</code>
                    </p>
                    <Code tabIndex={0} aria-label="Lines for web-features.conf">
                        {["[feature:dashboards_csp]"]
                            .concat(
                                missing.map(
                                    (host) => `dashboards_trusted_domain.${label(host)} = ${host}`,
                                ),
                            )
                            .join("\n")}
                    </Code>
                </>
            )}
        </Card>
    );
}
