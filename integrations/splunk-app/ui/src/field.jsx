// One setting on the page, from its row in fields.mjs.
import ControlGroup from "@splunk/react-ui/ControlGroup";
import Text from "@splunk/react-ui/Text";

export const inputId = (owner, key) => `${owner}-${key}`;

// ControlGroup hands label and description to its child. This child passes them on to whatever in it
// is the control, where Splunk's components would take them themselves.
export const Wired = ({describedBy, children}) => children(describedBy);

export default function Field({owner, row, value, wrong, onChange, shown}) {
    const {key, label, help, unit, required, kind} = row;
    const id = inputId(owner, key);
    return (
        <ControlGroup
            label={unit ? `${label} (${unit})` : label}
            labelFor={id}
            help={help}
            error={wrong ?? false}
            required={required ?? false}
        >
            <Text
                inputId={id}
                name={key}
                value={shown ?? value}
                error={Boolean(wrong)}
                autoComplete="off"
                spellCheck={false}
                inputMode={kind === "whole" ? "numeric" : undefined}
                onChange={(event, {value: next}) => onChange(key, next)}
            />
        </ControlGroup>
    );
}
