// The draft that is edited, and everything that edits it. Nothing here leaves the page.
import {useRef, useState} from "react";
import {
    copyOf,
    draftOf,
    freeName,
    newInstance,
    withDefault,
    withInstance,
    withoutInstance,
} from "./model.mjs";

// `touched` is called at each edit.
export function useDraft(saved, touched, focus, places) {
    const [draft, setDraft] = useState(() => draftOf(saved));
    const [open, setOpen] = useState(draft.instances[0].id);
    const tokens = useRef(new Map()).current; // instance id -> token; not in state, see token.jsx
    const instance = draft.instances.find(({id}) => id === open) ?? draft.instances[0];

    const edit = (make) => {
        touched();
        setDraft(make);
    };
    const change = (values) => edit((now) => withInstance(now, instance.id, values));
    const show = (next) => {
        edit((now) => ({...now, instances: [...now.instances, next]}));
        setOpen(next.id);
        focus(`${next.id}-name`);
    };
    return {
        draft,
        instance,
        tokens,
        setDraft,
        // Begins anew with what is saved, at the instance of that name if it is there.
        begin(now, name) {
            const next = draftOf(now);
            tokens.clear();
            setDraft(next);
            setOpen((next.instances.find((each) => each.name === name) ?? next.instances[0]).id);
        },
        remove(id) {
            tokens.delete(id);
            setDraft((now) => withoutInstance(now, id));
        },
        open(id) {
            setOpen(id);
            focus(places.form);
        },
        go(owner, id) {
            if (owner !== "handoff") setOpen(owner);
            focus(id);
        },
        add: () => show(newInstance(freeName(draft, "instance"))),
        copy: (from) => show(copyOf(from, freeName(draft, `${from.name.slice(0, 26)}-copy`))),
        makeDefault: (name) => edit((now) => withDefault(now, name)),
        set: (key, value) => change({values: {...instance.values, [key]: value}}),
        authority: (authority) => change({authority}),
        tokenTyped: (tokenTyped) => change({tokenTyped}),
        tokenDropped: (tokenDropped) => change({tokenDropped}),
        // The default goes by its name, and along with it.
        rename: (name) =>
            edit((now) => {
                const next = withInstance(now, instance.id, {name});
                return now.handoff.instance === instance.name ? withDefault(next, name) : next;
            }),
        setHandoff: (key, value) =>
            edit((now) => ({...now, handoff: {...now.handoff, [key]: value}})),
    };
}
