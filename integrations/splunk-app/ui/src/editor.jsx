// The settings as they are edited: how the draft (draft.js), saving (saving.js), the test (doctor.jsx)
// and the parts of the page come together.
import {useState} from "react";
import Message from "@splunk/react-ui/Message";
import ConfirmDelete from "./confirm.jsx";
import Doctor, {useDoctor} from "./doctor.jsx";
import {useDraft} from "./draft.js";
import {useFocus, usePlaces, useWarning} from "./focus.js";
import HandoffForm from "./handoff-form.jsx";
import InstanceForm from "./instance-form.jsx";
import Instances from "./instances.jsx";
import Links from "./links.jsx";
import {hasWrong, isDirty, wrongOf} from "./model.mjs";
import Outcome, {Mistakes} from "./outcome.jsx";
import SaveBar from "./save-bar.jsx";
import {useSaving} from "./saving.js";

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

function Introduction({configured}) {
    return (
        <p>
            Where hand-offs go, what may leave Splunk, and who is trusted.{" "}
            {!configured && "Enter an address, a tenant and a token; the rest may stay as it is."}
        </p>
    );
}

// All that the parts need, and what the buttons do.
function useEditor(loaded, reload) {
    const [base, setBase] = useState(loaded);
    const [tried, setTried] = useState(false); // a save was tried: mistakes are shown
    const [asked, setAsked] = useState(null); // the instance whose deletion is asked about
    const places = usePlaces();
    const focus = useFocus();
    const {saved} = base;
    const edited = useDraft(saved, () => saving.forget(), focus, places);
    const saving = useSaving({saved, edited, reload, take: setBase, focus, places});
    const doctor = useDoctor(focus, places.doctor);
    const {draft, instance, tokens} = edited;
    const dirty = isDirty(saved, draft);
    const wrong = wrongOf(saved, draft, tokens);
    useWarning(dirty);

    async function save() {
        const bad = hasWrong(wrong);
        setTried(bad);
        saving.forget();
        if (bad) focus(places.box);
        else await saving.save();
    }

    async function remove() {
        setAsked(null);
        doctor.forget();
        if (asked.origin) {
            await saving.remove(asked);
        } else {
            edited.remove(asked.id);
            focus(places.list);
        }
    }

    function discard() {
        edited.begin(saved, instance.name);
        setTried(false);
        saving.forget();
        focus(places.list);
    }

    return {
        ...{base, saved, edited, saving, doctor, places, dirty, wrong, tried, asked},
        ...{setAsked, save, remove, discard},
        canSave: !saving.busy && (dirty || !saved.configured),
        canTest: !saving.busy && !dirty && Boolean(instance.origin),
    };
}

function Parts({editor}) {
    const {base, saved, edited, saving, doctor, places, wrong, tried} = editor;
    const {draft, instance, tokens} = edited;
    const shown = tried ? wrong : {handoff: {}};
    return (
        <div inert={saving.busy ? "" : undefined}>
            <Unknown unknown={saved.unknown} />
            {tried && hasWrong(wrong) && (
                <Mistakes draft={draft} wrong={wrong} go={edited.go} box={places.box} />
            )}
            <Outcome outcome={saving.outcome} box={places.box} />
            <Instances
                saved={saved}
                draft={draft}
                open={instance.id}
                act={{...edited, askDelete: editor.setAsked}}
                heading={places.list}
            />
            <InstanceForm
                saved={saved}
                instance={instance}
                wrong={shown[instance.id] ?? {}}
                tokens={tokens}
                act={edited}
                heading={places.form}
            />
            <Doctor doctor={doctor.state} heading={places.doctor} />
            <HandoffForm
                values={draft.handoff}
                wrong={shown.handoff}
                onChange={edited.setHandoff}
            />
            <Links draft={draft} domains={base.domains} />
        </div>
    );
}

export default function Editor({loaded, reload}) {
    const editor = useEditor(loaded, reload);
    const {saved, edited, saving, doctor, places, dirty, asked, canSave, canTest} = editor;
    const submit = (event) => {
        event.preventDefault();
        if (canSave) editor.save();
    };
    return (
        <form noValidate autoComplete="off" onSubmit={submit}>
            <Introduction configured={saved.configured} />
            <Parts editor={editor} />
            <SaveBar
                busy={saving.busy}
                dirty={dirty}
                configured={saved.configured}
                canSave={canSave}
                canTest={canTest}
                onDiscard={editor.discard}
                onTest={() => doctor.examine(edited.instance.origin)}
            />
            <ConfirmDelete
                asked={asked}
                isLast={edited.draft.instances.length === 1}
                isDefault={asked?.origin === saved.handoff.instance}
                busy={Boolean(saving.busy)}
                onDelete={editor.remove}
                onKeep={() => editor.setAsked(null)}
                back={places.list}
            />
        </form>
    );
}
