// Test connection: what igdoctor finds, a row a check, each with its cure.
import {useState} from "react";
import Chip from "@splunk/react-ui/Chip";
import Message from "@splunk/react-ui/Message";
import Table from "@splunk/react-ui/Table";
import WaitSpinner from "@splunk/react-ui/WaitSpinner";
import {runSearch} from "./splunkd.js";
import {Card} from "./look.jsx";

const looks = {
    ok: {appearance: "success", word: "OK"},
    warning: {appearance: "warning", word: "Warning"},
    failed: {appearance: "error", word: "Failed"},
    skipped: {appearance: "outline", word: "Skipped"},
};

// The name is one of a-z, 0-9, _ and -: it cannot end the quotes.
async function ask(name) {
    const rows = await runSearch(`| igdoctor instance="${name}"`);
    if (rows.length === 0) throw new Error("igdoctor gave no row: is the app installed whole?");
    return rows;
}

export function useDoctor(focus, heading) {
    const [state, setState] = useState(null);
    return {
        state,
        forget: () => setState(null),
        async examine(name) {
            setState({name, running: true});
            focus(heading);
            try {
                setState({name, rows: await ask(name)});
            } catch (error) {
                setState({name, error: error.message});
            }
        },
    };
}

function summary(rows) {
    const count = (status) => rows.filter((row) => row.status === status).length;
    const parts = [
        [count("failed"), "failed"],
        [count("warning"), count("warning") === 1 ? "warning" : "warnings"],
        [count("skipped"), "skipped"],
        [count("ok"), "OK"],
    ].filter(([number]) => number > 0);
    return `${rows.length} checks: ${parts.map(([number, word]) => `${number} ${word}`).join(", ")}.`;
}

function Row({row}) {
    const {appearance, word} = looks[row.status] ?? {appearance: "outline", word: row.status};
    return (
        <Table.Row>
            <Table.Cell>{row.check}</Table.Cell>
            <Table.Cell>
                <Chip appearance={appearance}>{word}</Chip>
            </Table.Cell>
            <Table.Cell>{row.value}</Table.Cell>
            <Table.Cell>{row.cure}</Table.Cell>
        </Table.Row>
    );
}

export default function Doctor({doctor, heading}) {
    if (!doctor) return null;
    const {name, running, rows, error} = doctor;
    const failed = rows?.some(({status}) => status === "failed");
    const warned = rows?.some(({status}) => status === "warning");
    return (
        <Card aria-labelledby="doctor-heading" data-test="doctor">
            <h2 id="doctor-heading" tabIndex={-1} ref={heading}>
                Connection of &quot;{name}&quot;
            </h2>
            <div role="status">
                {running && (
                    <>
                        <WaitSpinner /> Asking DNS, the network, the service and this search head
                        ...
                    </>
                )}
                {error && <Message type="error">The test could not be run: {error}</Message>}
                {rows && (
                    <Message type={failed ? "error" : warned ? "warning" : "success"}>
                        {summary(rows)}
                    </Message>
                )}
            </div>
            {rows && (
                <Table
                    stripeRows
                    aria-label={`Checks of ${name}`}
                    tableStyle={{tableLayout: "fixed"}}
                >
                    <Table.Head>
                        <Table.HeadCell width={120}>Check</Table.HeadCell>
                        <Table.HeadCell width={110}>Status</Table.HeadCell>
                        <Table.HeadCell>Found</Table.HeadCell>
                        <Table.HeadCell>What to do</Table.HeadCell>
                    </Table.Head>
                    <Table.Body>
                        {rows.map((row) => (
                            <Row key={row.check} row={row} />
                        ))}
                    </Table.Body>
                </Table>
            )}
        </Card>
    );
}
