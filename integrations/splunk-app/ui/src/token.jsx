// The API token: typed into an input that keeps it to itself (no state, no attribute holds it), sent
// once to storage/passwords, and never shown again.
import {useEffect, useRef, useState} from "react";
import Button from "@splunk/react-ui/Button";
import ControlGroup from "@splunk/react-ui/ControlGroup";
import Message from "@splunk/react-ui/Message";
import {inputId} from "./field.jsx";
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
            <Input
                id={id}
                ref={input}
                type="password"
                autoComplete="new-password"
                spellCheck={false}
                aria-invalid={Boolean(wrong)}
                $wrong={Boolean(wrong)}
                onChange={take}
            />
        </ControlGroup>
    );
}

function Stored({text, children}) {
    return (
        <ControlGroup label="API token" controlsLayout="none">
            <div>
                <Message type="success" data-test="token-state">
                    {text}
                </Message>
                <Buttons>{children}</Buttons>
            </div>
        </ControlGroup>
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
            <ControlGroup label="API token" controlsLayout="none">
                <div>
                    <Message type="warning" data-test="token-state">
                        The stored token is removed when you save. Nobody can hand off by this
                        instance without one. What analysts got by it ends within five minutes;
                        to end that at once, revoke the token in IntelGraph.
                    </Message>
                    <Buttons>
                        <Button label="Keep the token" onClick={() => onDropped(false)} />
                    </Buttons>
                </div>
            </ControlGroup>
        );
    if (keeps && !replacing && !instance.tokenTyped)
        return (
            <Stored text="A token is stored. It is never shown again.">
                <Button label="Replace the token" onClick={replace} />
                <Button label="Remove the token" onClick={() => onDropped(true)} />
            </Stored>
        );
    return (
        <Typed
            instance={instance}
            wrong={wrong}
            known={stored}
            tokens={tokens}
            onTyped={onTyped}
        />
    );
}
