// The API token: typed into an input that keeps it to itself (no state, no attribute holds it), sent
// once to storage/passwords, and never shown again.
import {useEffect, useRef, useState} from "react";
import Button from "@splunk/react-ui/Button";
import ControlGroup from "@splunk/react-ui/ControlGroup";
import Message from "@splunk/react-ui/Message";
import {inputId, Wired} from "./field.jsx";
import {Buttons, Input} from "./look.jsx";

function Typed({instance, wrong, known, tokens, onTyped}) {
    const id = inputId(instance.id, "token");
    const input = useRef(null);
    useEffect(() => {
        input.current.value = tokens.get(instance.id) ?? "";
    }, [instance.id]);
    const take = (event) => {
        const value = event.target.value;
        if (value) tokens.set(instance.id, value);
        else tokens.delete(instance.id);
        onTyped(Boolean(value));
    };
    return (
        <ControlGroup
            label="API token"
            labelFor={id}
            required
            error={wrong ?? false}
            help={
                known
                    ? "Replaces the stored token when you save."
                    : "Made by the service's admin: intelgraphd token create --role broker. It is kept in " +
                      "Splunk's storage/passwords; analysts never get it."
            }
        >
            <Wired>
                {(describedBy) => (
                    <Input
                        id={id}
                        ref={input}
                        type="password"
                        autoComplete="new-password"
                        spellCheck={false}
                        aria-describedby={describedBy}
                        aria-invalid={Boolean(wrong)}
                        $wrong={Boolean(wrong)}
                        onChange={take}
                    />
                )}
            </Wired>
        </ControlGroup>
    );
}

// What is known of the stored token, and what can be done with it. No control has this label.
function State({type, text, children}) {
    return (
        <div role="group" aria-label="API token" style={{marginBottom: 20}}>
            <div>API token</div>
            <Message type={type} data-test="token-state">
                {text}
            </Message>
            <Buttons>{children}</Buttons>
        </div>
    );
}

export default function Token({instance, keeps, stored, wrong, tokens, onTyped, onDropped}) {
    const [replacing, setReplacing] = useState(false);
    const focus = useRef(false);
    useEffect(() => setReplacing(false), [instance.id, keeps]);
    useEffect(() => {
        if (focus.current) document.getElementById(inputId(instance.id, "token"))?.focus();
        focus.current = false;
    });
    const replace = () => {
        focus.current = true;
        setReplacing(true);
    };
    if (instance.tokenDropped && !instance.tokenTyped)
        return (
            <State
                type="warning"
                text={
                    "The stored token is removed when you save. Nobody can hand off by this instance " +
                    "without one. What analysts got by it ends within five minutes; to end that at " +
                    "once, revoke the token in IntelGraph."
                }
            >
                <Button label="Keep the token" onClick={() => onDropped(false)} />
            </State>
        );
    if (keeps && !replacing && !instance.tokenTyped)
        return (
            <State type="success" text="A token is stored. It is never shown again.">
                <Button label="Replace the token" onClick={replace} />
                <Button label="Remove the token" onClick={() => onDropped(true)} />
            </State>
        );
    return (
        <Typed instance={instance} wrong={wrong} known={stored} tokens={tokens} onTyped={onTyped} />
    );
}
