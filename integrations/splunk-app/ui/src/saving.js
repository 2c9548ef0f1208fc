// Saving and deleting: the steps of model.mjs carried out, and what became of them.
import {useState} from "react";
import {originNow, perform, stepsToDelete, stepsToSave, withDefault} from "./model.mjs";
import * as splunkd from "./splunkd.js";

// What could not be saved stays as it was typed; what was saved has its name there now.
const kept = (saved) => (draft) => ({
    ...draft,
    instances: draft.instances.map((each) => ({...each, origin: originNow(saved, each)})),
});

// `reload` gives what is saved now, `take` shows it.
export function useSaving({saved, edited, reload, take, focus, places}) {
    const [busy, setBusy] = useState(""); // the step that is under way
    const [outcome, setOutcome] = useState(null);

    // Carries the steps out, reads what is saved, and hands both to `then`.
    async function carryOut(steps, said, then) {
        setOutcome(null);
        const result = await perform(steps, splunkd, setBusy);
        try {
            const now = await reload();
            take(now);
            then(now.saved, result.failed);
        } catch (error) {
            result.failed ??= {sentence: "the settings are read again", error};
        }
        setBusy("");
        setOutcome({...result, said});
        focus(places.box);
    }

    const {draft, instance, tokens} = edited;
    return {
        busy,
        outcome,
        forget: () => setOutcome(null),
        save: () =>
            carryOut(
                stepsToSave(saved, draft, tokens),
                "Saved. Test the connection to see whether it works.",
                (now, failed) => {
                    if (failed) edited.setDraft(kept(now));
                    else edited.begin(now, instance.name);
                },
            ),
        remove: (target) =>
            carryOut(
                stepsToDelete(saved, draft, target),
                `"${target.origin}" is deleted.`,
                (now, failed) => {
                    if (failed) return;
                    edited.remove(target.id);
                    if (now.handoff.instance !== saved.handoff.instance)
                        edited.setDraft((draft) => withDefault(draft, now.handoff.instance));
                },
            ),
    };
}
