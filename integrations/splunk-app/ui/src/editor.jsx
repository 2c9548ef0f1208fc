// The settings as they are edited: state and actions; how it looks is in the parts.
import {useCallback, useEffect, useRef, useState} from "react";
import Button from "@splunk/react-ui/Button";
import Message from "@splunk/react-ui/Message";
import ConfirmDelete from "./confirm.jsx";
import Doctor, {examine} from "./doctor.jsx";
import HandoffForm from "./handoff-form.jsx";
import InstanceForm from "./instance-form.jsx";
import Instances from "./instances.jsx";
import Links from "./links.jsx";
import {Bar, Buttons, Muted} from "./look.jsx";
import {
    copyOf,
    draftOf,
    freeName,
    isDirty,
    originNow,
    newInstance,
    perform,
    stepsToDelete,
    stepsToSave,
    wrongOf,
} from "./model.mjs";
import Outcome, {Mistakes} from "./outcome.jsx";
import * as splunkd from "./splunkd.js";

const hasWrong = (wrong) => Object.values(wrong).some((found) => Object.keys(found).length > 0);

// Leaving with unsaved changes asks first.
function useWarning(dirty) {
    useEffect(() => {
        if (!dirty) return undefined;
        const warn = (event) => {
            event.preventDefault();
            event.returnValue = "";
        };
        window.addEventListener("beforeunload", warn);
        return () => window.removeEventListener("beforeunload", warn);
    }, [dirty]);
}

// Focus goes where the work goes on, once React has drawn it.
function useFocus() {
    const wanted = useRef(null);
    const [, draw] = useState(0);
    useEffect(() => {
        if (!wanted.current) return;
        const target =
            typeof wanted.current === "string"
                ? document.getElementById(wanted.current)
                : wanted.current.current;
        if (target) {
            target.focus();
            target.scrollIntoView({block: "center"});
            wanted.current = null;
        }
    });
    return (target) => {
        wanted.current = target;
        draw((times) => times + 1);
    };
}

function Unknown({unknown}) {
    if (unknown.length === 0) return null;
    return (
        <Message type="warning">
            intelgraph.conf holds settings that nobody knows, and searches refuse to run with them:{" "}
            {unknown.map(({stanza, key}) => `[${stanza}] ${key}`).join(", ")}. Take them out of
            local/intelgraph.conf.
        </Message>
    );
}

export default function Editor({loaded, reload}) {
    const [base, setBase] = useState(loaded);
    const [draft, setDraft] = useState(() => draftOf(loaded.saved));
    const [open, setOpen] = useState(draft.instances[0].id);
    const [tried, setTried] = useState(false);
    const [outcome, setOutcome] = useState(null);
    const [asked, setAsked] = useState(null);
    const [doctor, setDoctor] = useState(null);
    const [busy, setBusy] = useState("");
    const tokens = useRef(new Map()).current; // instance id -> token; not in state, see token.jsx
    const heading = useRef(null);
    const listHeading = useRef(null);
    const doctorHeading = useRef(null);
    const box = useRef(null);
    const focus = useFocus();

    const {saved} = base;
    const dirty = isDirty(saved, draft);
    const wrong = wrongOf(saved, draft, tokens);
    const shown = tried ? wrong : {handoff: {}};
    const instance = draft.instances.find(({id}) => id === open) ?? draft.instances[0];
    const canSave = !busy && (dirty || !saved.configured);
    useWarning(dirty);

    const change = useCallback((id, make) => {
        setOutcome(null);
        setDraft((now) => ({
            ...now,
            instances: now.instances.map((each) => (each.id === id ? make(each) : each)),
        }));
    }, []);

    // What is saved is read anew; what could not be saved stays as it was typed.
    async function readAgain(keep) {
        const now = await reload();
        setBase(now);
        if (keep) {
            setDraft((before) => ({
                ...before,
                instances: before.instances.map((each) => ({
                    ...each,
                    origin: originNow(now.saved, each),
                })),
            }));
            return;
        }
        tokens.clear();
        const next = draftOf(now.saved);
        setDraft(next);
        setOpen((next.instances.find(({name}) => name === instance.name) ?? next.instances[0]).id);
        setTried(false);
    }

    async function carryOut(steps, said) {
        const result = await perform(steps, splunkd, setBusy);
        try {
            await readAgain(Boolean(result.failed));
        } catch (error) {
            result.failed ??= {sentence: "the settings are read again", error};
        }
        setBusy("");
        setOutcome({...result, said});
        focus(box);
        return !result.failed;
    }

    async function save() {
        setTried(true);
        setOutcome(null);
        if (hasWrong(wrong)) {
            focus(box);
            return;
        }
        const steps = stepsToSave(saved, draft, tokens);
        await carryOut(steps, "Saved. Test the connection to see whether it works.");
    }

    async function test() {
        const {origin} = instance;
        setDoctor({name: origin, running: true});
        focus(doctorHeading);
        try {
            const rows = await examine(origin);
            setDoctor({name: origin, rows});
        } catch (error) {
            setDoctor({name: origin, error: error.message});
        }
    }

    async function remove() {
        const target = asked;
        setAsked(null);
        setDoctor(null);
        if (target.origin) {
            const steps = stepsToDelete(saved, draft, target);
            const others = draft.instances.filter(({id}) => id !== target.id);
            const result = await perform(steps, splunkd, setBusy);
            setBusy("");
            setOutcome({...result, said: `"${target.origin}" is deleted.`});
            focus(box);
            if (result.failed) return;
            const now = await reload();
            setBase(now);
            setDraft((before) => ({
                instances: others.length > 0 ? others : draftOf(now.saved).instances,
                handoff: {
                    ...before.handoff,
                    instance: others.length > 0 ? now.saved.handoff.instance : "default",
                },
            }));
        } else {
            setDraft((now) => {
                const others = now.instances.filter(({id}) => id !== target.id);
                return {...now, instances: others.length > 0 ? others : [newInstance("default")]};
            });
            focus(listHeading);
        }
        tokens.delete(target.id);
    }

    const show = (next) => {
        setDraft((now) => ({...now, instances: [...now.instances, next]}));
        setOpen(next.id);
        setOutcome(null);
        focus(`${next.id}-name`);
    };
    const act = {
        open: (id) => {
            setOpen(id);
            focus(heading);
        },
        add: () => show(newInstance(freeName(draft, "instance"))),
        copy: (from) => show(copyOf(from, freeName(draft, `${from.name.slice(0, 26)}-copy`))),
        askDelete: setAsked,
        makeDefault: (name) => {
            setOutcome(null);
            setDraft((now) => ({...now, handoff: {...now.handoff, instance: name}}));
        },
        set: (key, value) =>
            change(instance.id, (each) => ({...each, values: {...each.values, [key]: value}})),
        authority: (authority) => change(instance.id, (each) => ({...each, authority})),
        rename: (name) => {
            // The default goes by its name, and along with it.
            if (draft.handoff.instance === instance.name)
                setDraft((now) => ({...now, handoff: {...now.handoff, instance: name}}));
            change(instance.id, (each) => ({...each, name}));
        },
        tokenTyped: (tokenTyped) => change(instance.id, (each) => ({...each, tokenTyped})),
        tokenDropped: (tokenDropped) => change(instance.id, (each) => ({...each, tokenDropped})),
    };
    const setHandoff = (key, value) => {
        setOutcome(null);
        setDraft((now) => ({...now, handoff: {...now.handoff, [key]: value}}));
    };
    const discard = () => {
        tokens.clear();
        const next = draftOf(saved);
        setDraft(next);
        setOpen(next.instances[0].id);
        setTried(false);
        setOutcome(null);
        focus(listHeading);
    };
    const go = (owner, id) => {
        if (owner !== "handoff") setOpen(owner);
        focus(id);
    };

    return (
        <form
            noValidate
            autoComplete="off"
            onSubmit={(event) => {
                event.preventDefault();
                if (canSave) save();
            }}
        >
            <p>
                Where hand-offs go, what may leave Splunk, and who is trusted.{" "}
                {!saved.configured &&
                    "Enter an address, a tenant and a token; the rest may stay as it is."}
            </p>
            <div inert={busy ? "" : undefined}>
                <Unknown unknown={saved.unknown} />
                {tried && (
                    <Mistakes
                        draft={draft}
                        wrong={wrong}
                        go={go}
                        box={hasWrong(wrong) ? box : null}
                    />
                )}
                <Outcome outcome={outcome} box={box} />
                <Instances
                    saved={saved}
                    draft={draft}
                    open={instance.id}
                    act={act}
                    heading={listHeading}
                />
                <InstanceForm
                    saved={saved}
                    instance={instance}
                    wrong={shown[instance.id] ?? {}}
                    tokens={tokens}
                    act={act}
                    heading={heading}
                />
                <Doctor doctor={doctor} heading={doctorHeading} />
                <HandoffForm values={draft.handoff} wrong={shown.handoff} onChange={setHandoff} />
                <Links draft={draft} domains={base.domains} />
            </div>
            <Bar role="region" aria-label="Save">
                <Buttons>
                    <Button
                        appearance="primary"
                        type="submit"
                        label="Save"
                        disabled={canSave ? false : "dimmed"}
                    />
                    <Button
                        label="Discard changes"
                        disabled={dirty ? false : "dimmed"}
                        onClick={discard}
                    />
                    <Button
                        label="Test connection"
                        disabled={dirty || busy || !instance.origin ? "dimmed" : false}
                        onClick={test}
                    />
                    <Muted role="status">
                        {busy
                            ? `Saving: ${busy} ...`
                            : dirty
                              ? "There are unsaved changes. The test uses what is saved."
                              : saved.configured
                                ? "All is saved."
                                : "Nothing is saved yet."}
                    </Muted>
                </Buttons>
            </Bar>
            <ConfirmDelete
                asked={asked}
                isLast={draft.instances.length === 1}
                isDefault={asked?.origin === saved.handoff.instance}
                busy={Boolean(busy)}
                onDelete={remove}
                onKeep={() => setAsked(null)}
                back={listHeading}
            />
        </form>
    );
}
