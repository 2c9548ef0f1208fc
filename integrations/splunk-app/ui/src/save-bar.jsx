// Always in sight: what is not saved yet, and what can be done about it.
import Button from "@splunk/react-ui/Button";
import {Bar, Buttons, Muted} from "./look.jsx";

const dimmedUnless = (can) => (can ? false : "dimmed");

function said(busy, dirty, configured) {
    if (busy) return `Saving: ${busy} ...`;
    if (dirty) return "There are unsaved changes. The test uses what is saved.";
    return configured ? "All is saved." : "Nothing is saved yet.";
}

export default function SaveBar({busy, dirty, configured, canSave, canTest, onDiscard, onTest}) {
    return (
        <Bar role="region" aria-label="Save">
            <Buttons>
                <Button
                    appearance="primary"
                    type="submit"
                    label="Save"
                    disabled={dimmedUnless(canSave)}
                />
                <Button
                    label="Discard changes"
                    disabled={dimmedUnless(dirty && !busy)}
                    onClick={onDiscard}
                />
                <Button label="Test connection" disabled={dimmedUnless(canTest)} onClick={onTest} />
                <Muted role="status">{said(busy, dirty, configured)}</Muted>
            </Buttons>
        </Bar>
    );
}
