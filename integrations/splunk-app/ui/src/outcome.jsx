// What became of the last save or delete, and what keeps a draft from being saved.
import Link from "@splunk/react-ui/Link";
import Message from "@splunk/react-ui/Message";
import {inputId} from "./field.jsx";
import {handoffFields, instanceFields} from "./fields.mjs";
import {Act} from "./look.jsx";
import {signInPlace} from "./splunkd.js";

const labels = {name: "Name", token: "API token", instance: "Default instance"};
for (const {key, label} of [...instanceFields, ...handoffFields]) labels[key] ??= label ?? key;

// A link a mistake; following it puts the cursor there.
export function Mistakes({draft, wrong, go, box}) {
    const all = [
        ...draft.instances.flatMap(({id, name}) =>
            Object.entries(wrong[id] ?? {}).map(([key, sentence]) => ({
                owner: id,
                key,
                sentence,
                where: `${name || "(no name)"}: `,
            })),
        ),
        ...Object.entries(wrong.handoff ?? {}).map(([key, sentence]) => ({
            owner: "handoff",
            key,
            sentence,
            where: "",
        })),
    ];
    if (all.length === 0) return null;
    return (
        <div role="alert" tabIndex={-1} ref={box} data-test="mistakes">
            <Message type="error">
                Nothing was saved. {all.length === 1 ? "One setting" : `${all.length} settings`}{" "}
                must be mended first:
                <ul>
                    {all.map(({owner, key, sentence, where}) => (
                        <li key={`${owner} ${key}`}>
                            <Act onClick={() => go(owner, inputId(owner, key))}>
                                {where}
                                {labels[key]}
                            </Act>
                            : {sentence}
                        </li>
                    ))}
                </ul>
            </Message>
        </div>
    );
}

const cure = ({status}) => {
    if (status === 401)
        return (
            <>
                {" "}
                <Link to={signInPlace()} openInNewContext>
                    Sign in again
                </Link>{" "}
                in another tab, then press Save here: what you typed is still on this page.
            </>
        );
    if (status === 403)
        return (
            <>
                {" "}
                Writing needs write access to the app&apos;s configuration, and storing a token
                needs <code>edit_storage_passwords</code> or <code>admin_all_objects</code>.
            </>
        );
    return <> Press Save to try what is left again.</>;
};

function List({head, items}) {
    if (items.length === 0) return null;
    return (
        <>
            {head}
            <ul>
                {items.map((item) => (
                    <li key={item}>{item}</li>
                ))}
            </ul>
        </>
    );
}

export default function Outcome({outcome, box}) {
    if (!outcome) return null;
    const {done, failed, left, said} = outcome;
    if (!failed)
        return (
            <div role="status" tabIndex={-1} ref={box} data-test="outcome">
                <Message type="success">{said}</Message>
            </div>
        );
    return (
        <div role="alert" tabIndex={-1} ref={box} data-test="outcome">
            <Message type="error">
                Not all was done. This step failed: {failed.sentence}. {failed.error.message}
                {cure(failed.error)}
                <List head={<p>Done before it:</p>} items={done} />
                {done.length === 0 && <p>Nothing was changed.</p>}
                <List head={<p>Not done:</p>} items={left} />
            </Message>
        </div>
    );
}
