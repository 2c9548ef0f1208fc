// All settings of one instance.
import ControlGroup from "@splunk/react-ui/ControlGroup";
import RadioList from "@splunk/react-ui/RadioList";
import Switch from "@splunk/react-ui/Switch";
import Text from "@splunk/react-ui/Text";
import Authority from "./authority.jsx";
import Field, {inputId} from "./field.jsx";
import {filePath} from "./check.mjs";
import {instanceFields} from "./fields.mjs";
import {Card, Columns} from "./look.jsx";
import {hasSecret, keepsSecret} from "./model.mjs";
import Token from "./token.jsx";

const row = (key) => instanceFields.find((each) => each.key === key);

function Name({instance, wrong, onName}) {
    const id = inputId(instance.id, "name");
    const renamed = instance.origin && instance.origin !== instance.name;
    return (
        <ControlGroup
            label="Name"
            labelFor={id}
            required
            error={wrong ?? false}
            help={
                renamed
                    ? `Saving renames "${instance.origin}". Searches and alerts that say instance=${instance.origin} must be changed too.`
                    : "a to z, 0 to 9, _ and -; at most 32."
            }
        >
            <Text
                inputId={id}
                name="name"
                value={instance.name}
                error={Boolean(wrong)}
                autoComplete="off"
                spellCheck={false}
                onChange={(event, {value}) => onName(value)}
            />
        </ControlGroup>
    );
}

function SignIn({saved, instance, wrong, tokens, act}) {
    const {credential} = instance.values;
    const stored = credential === "passwords";
    return (
        <>
            <ControlGroup
                label="How the app signs in"
                controlsLayout="none"
                help="Single sign-on is not available yet: it comes with a later release."
            >
                <RadioList name={`${instance.id}-auth`} value="token" onChange={() => {}}>
                    <RadioList.Option value="token">API token</RadioList.Option>
                    <RadioList.Option value="sso" disabled>
                        Single sign-on
                    </RadioList.Option>
                </RadioList>
            </ControlGroup>
            <ControlGroup label="Where the token is" controlsLayout="none">
                <RadioList
                    name={`${instance.id}-credential`}
                    value={stored ? "passwords" : "file"}
                    onChange={(event, {value}) =>
                        act.set("credential", value === "passwords" ? "passwords" : "file:")
                    }
                >
                    <RadioList.Option value="passwords">
                        Stored in Splunk, encrypted (recommended)
                    </RadioList.Option>
                    <RadioList.Option value="file">
                        In a file on the search head, read by every search itself
                    </RadioList.Option>
                </RadioList>
            </ControlGroup>
            {stored ? (
                <Token
                    instance={instance}
                    keeps={keepsSecret(saved, {...instance, tokenDropped: false})}
                    stored={hasSecret(saved, instance)}
                    wrong={wrong.token}
                    tokens={tokens}
                    onTyped={act.tokenTyped}
                    onDropped={act.tokenDropped}
                />
            ) : (
                <Field
                    owner={instance.id}
                    row={{
                        ...row("credential"),
                        help: "The file holds the token (--role analyst) alone, mode 0600.",
                    }}
                    value={credential}
                    shown={filePath(credential)}
                    wrong={wrong.credential}
                    onChange={(key, value) => act.set(key, `file:${value}`)}
                />
            )}
        </>
    );
}

export default function InstanceForm({saved, instance, wrong, tokens, act, heading}) {
    const field = (key, more = {}) => (
        <Field
            key={key}
            owner={instance.id}
            row={row(key)}
            value={instance.values[key]}
            wrong={wrong[key]}
            onChange={act.set}
            {...more}
        />
    );
    return (
        <Card aria-labelledby="instance-heading" data-test="instance-form">
            <h2 id="instance-heading" tabIndex={-1} ref={heading}>
                {instance.origin ? `Instance "${instance.origin}"` : "New instance"}
            </h2>
            <Columns>
                <Name instance={instance} wrong={wrong.name} onName={act.rename} />
                {field("tenant")}
            </Columns>
            {field("url")}
            <h3>Signing in</h3>
            <SignIn saved={saved} instance={instance} wrong={wrong} tokens={tokens} act={act} />
            <h3>Trust</h3>
            <Authority
                instance={instance}
                wrong={wrong}
                onAuthority={act.authority}
                onChange={act.set}
            />
            <Columns>
                {field("client_cert_file")}
                {field("client_key_file")}
            </Columns>
            {field("audit_key")}
            <h3>Proxy</h3>
            <Columns>
                {field("proxy")}
                {field("proxy_credential", {
                    shown: filePath(instance.values.proxy_credential),
                    onChange: (key, value) => act.set(key, value ? `file:${value}` : ""),
                })}
            </Columns>
            {field("no_proxy")}
            <h3>Links and times</h3>
            {field("link_template")}
            <Columns>
                {field("connect_timeout_ms")}
                {field("timeout_ms")}
            </Columns>
            <Switch
                value="disabled"
                selected={instance.values.disabled !== "1"}
                onClick={() => act.set("disabled", instance.values.disabled === "1" ? "0" : "1")}
                appearance="toggle"
            >
                In use: searches may choose this instance
            </Switch>
        </Card>
    );
}
