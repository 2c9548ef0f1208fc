// The instances, one a row, with what can be done with each.
import Button from "@splunk/react-ui/Button";
import Chip from "@splunk/react-ui/Chip";
import Table from "@splunk/react-ui/Table";
import {Buttons, Card} from "./look.jsx";
import {hasSecret, isChanged} from "./model.mjs";

function tokenWord(saved, instance) {
    if (instance.values.credential !== "passwords") return "in a file";
    if (instance.tokenTyped) return "typed, not saved";
    if (saved.secrets === null) return "not to be seen";
    return hasSecret(saved, instance) ? "stored" : "missing";
}

function Row({saved, draft, instance, isOpen, act}) {
    const {name, origin, values} = instance;
    const shown = name || "(no name)";
    const isDefault = draft.handoff.instance === name;
    const called = (word) => ({label: word, "aria-label": `${word}: ${shown}`});
    return (
        <Table.Row>
            <Table.Cell>
                <Buttons>
                    <b>{shown}</b>
                    {isDefault && <Chip appearance="info">Default</Chip>}
                    {values.disabled === "1" && <Chip appearance="outline">Out of use</Chip>}
                    {isChanged(saved, instance) && (
                        <Chip appearance="warning">{origin ? "Changed" : "New"}</Chip>
                    )}
                </Buttons>
            </Table.Cell>
            <Table.Cell>{values.url || "-"}</Table.Cell>
            <Table.Cell>{values.tenant || "-"}</Table.Cell>
            <Table.Cell>{tokenWord(saved, instance)}</Table.Cell>
            <Table.Cell>
                <Buttons>
                    <Button
                        {...called("Edit")}
                        aria-pressed={isOpen}
                        data-test={`edit-${name}`}
                        onClick={() => act.open(instance.id)}
                    />
                    <Button {...called("Copy")} onClick={() => act.copy(instance)} />
                    <Button
                        {...called("Make default")}
                        disabled={isDefault || !name ? "dimmed" : false}
                        onClick={() => act.makeDefault(name)}
                    />
                    <Button {...called("Delete")} onClick={() => act.askDelete(instance)} />
                </Buttons>
            </Table.Cell>
        </Table.Row>
    );
}

export default function Instances({saved, draft, open, act, heading}) {
    return (
        <Card aria-labelledby="handoff-instance">
            <h2 id="handoff-instance" tabIndex={-1} ref={heading}>
                Instances
            </h2>
            <p>
                Each is one IntelGraph service, or one tenant of it. Searches choose by{" "}
                <code>instance=&lt;name&gt;</code>; without it they use the default.
            </p>
            <Table stripeRows aria-label="Instances">
                <Table.Head>
                    <Table.HeadCell>Name</Table.HeadCell>
                    <Table.HeadCell>Address</Table.HeadCell>
                    <Table.HeadCell width={110}>Tenant</Table.HeadCell>
                    <Table.HeadCell width={110}>Token</Table.HeadCell>
                    <Table.HeadCell width={330}>Actions</Table.HeadCell>
                </Table.Head>
                <Table.Body>
                    {draft.instances.map((instance) => (
                        <Row
                            key={instance.id}
                            saved={saved}
                            draft={draft}
                            instance={instance}
                            isOpen={instance.id === open}
                            act={act}
                        />
                    ))}
                </Table.Body>
            </Table>
            <div style={{marginTop: 12}}>
                <Button label="Add an instance" onClick={act.add} />
            </div>
        </Card>
    );
}
