// Loads what is saved, or says why the page cannot be used.
import {useCallback, useEffect, useState} from "react";
import Link from "@splunk/react-ui/Link";
import Message from "@splunk/react-ui/Message";
import WaitSpinner from "@splunk/react-ui/WaitSpinner";
import Editor from "./editor.jsx";
import {Act, Ground, Main} from "./look.jsx";
import {readSaved} from "./model.mjs";
import {
    capabilities,
    isConfigured,
    readConf,
    Refusal,
    secretNames,
    signInPlace,
    trustedDomains,
} from "./splunkd.js";

const needed = "intelgraph_admin";

// Who may write the settings may not see which secrets there are on every installation.
async function knownSecrets() {
    try {
        return await secretNames();
    } catch (error) {
        if (error.status === 403) return null;
        throw error;
    }
}

export async function load() {
    if (!(await capabilities()).includes(needed))
        throw new Refusal(403, `Your Splunk role lacks the capability ${needed}.`);
    const [conf, secrets, configured, domains] = await Promise.all([
        readConf(),
        knownSecrets(),
        isConfigured(),
        trustedDomains(),
    ]);
    return {saved: readSaved(conf, secrets, configured), domains};
}

function Ended() {
    return (
        <Message type="error">
            Your Splunk session has ended. <Link to={signInPlace()}>Sign in again</Link>, then this
            page opens anew.
        </Message>
    );
}

function Forbidden({error}) {
    return (
        <Message type="error">
            {error.message} The settings of IntelGraph are for Splunk admins: ask one for a role
            with <code>{needed}</code>, such as intelgraph_admin.
        </Message>
    );
}

function Failed({error, again}) {
    return (
        <Message type="error">
            The settings could not be read: {error.message} <Act onClick={again}>Try again</Act>
        </Message>
    );
}

function Gate({error, again}) {
    if (error.status === 401) return <Ended />;
    if (error.status === 403) return <Forbidden error={error} />;
    return <Failed error={error} again={again} />;
}

export default function Page() {
    const [state, setState] = useState({});
    const read = useCallback(() => {
        setState({});
        load().then(
            (loaded) => setState({loaded}),
            (error) => setState({error}),
        );
    }, []);
    useEffect(read, [read]);
    return (
        <>
            <Ground />
            <Main data-test="settings" aria-busy={!state.loaded && !state.error}>
                <h1>IntelGraph settings</h1>
                {state.loaded && <Editor loaded={state.loaded} reload={load} />}
                {state.error && (
                    <div role="alert">
                        <Gate error={state.error} again={read} />
                    </div>
                )}
                {!state.loaded && !state.error && (
                    <div role="status">
                        <WaitSpinner /> Reading the settings ...
                    </div>
                )}
            </Main>
        </>
    );
}
