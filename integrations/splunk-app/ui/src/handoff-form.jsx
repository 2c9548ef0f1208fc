// What holds for every hand-off, whoever makes it and wherever it goes.
import Field from "./field.jsx";
import {handoffFields} from "./fields.mjs";
import {Card, Columns} from "./look.jsx";

export default function HandoffForm({values, wrong, onChange}) {
    const field = (key) => (
        <Field
            owner="handoff"
            row={handoffFields.find((each) => each.key === key)}
            value={values[key]}
            wrong={wrong[key]}
            onChange={onChange}
        />
    );
    return (
        <Card aria-labelledby="handoff-heading" data-test="handoff-form">
            <h2 id="handoff-heading">All hand-offs</h2>
            <p>These hold for everybody; a search can narrow them, never widen them.</p>
            {field("fields_allow")}
            {field("fields_deny")}
            {field("mask")}
            <p>
                <code>hash</code> sends a digest, which still joins equal values;{" "}
                <code>prefix</code> keeps only the network of an address; <code>drop</code> sends
                nothing.
            </p>
            <Columns>
                {field("max_entities")}
                {field("outbox_max_mb")}
                {field("throttle_wait_ms")}
            </Columns>
        </Card>
    );
}
