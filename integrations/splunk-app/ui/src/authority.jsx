// Who may have signed the service's certificate. There are three answers and no "do not check".
import {useRef, useState} from "react";
import Button from "@splunk/react-ui/Button";
import ControlGroup from "@splunk/react-ui/ControlGroup";
import Message from "@splunk/react-ui/Message";
import RadioList from "@splunk/react-ui/RadioList";
import TextArea from "@splunk/react-ui/TextArea";
import Field, {inputId, Wired} from "./field.jsx";
import {instanceFields} from "./fields.mjs";
import {readCertificates} from "./pem.mjs";

const most_bytes = 262144; // of a chosen file; more is no certificate

function Paste({instance, wrong, onChange}) {
    const id = inputId(instance.id, "ca_pem");
    const picker = useRef(null);
    const [refused, setRefused] = useState("");
    const take = async (event) => {
        const [file] = event.target.files;
        event.target.value = "";
        if (!file) return;
        if (file.size > most_bytes) {
            setRefused(`${file.name} is too large for a certificate.`);
            return;
        }
        setRefused("");
        onChange("ca_pem", await file.text());
    };
    const {count} = readCertificates(instance.values.ca_pem);
    return (
        <ControlGroup
            label="Certificates of the authority, in PEM"
            labelFor={id}
            controlsLayout="none"
            error={wrong ?? false}
            help={
                count > 0
                    ? `${count === 1 ? "1 certificate" : `${count} certificates`}. They take the place of the system's.`
                    : "From -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----. They take the place of the system's."
            }
        >
            <Wired>
                {(describedBy) => (
                    <div>
                        <TextArea
                            inputId={id}
                            name="ca_pem"
                            rowsMin={5}
                            rowsMax={12}
                            spellCheck={false}
                            describedBy={describedBy}
                            error={Boolean(wrong)}
                            value={instance.values.ca_pem}
                            onChange={(event, {value}) => onChange("ca_pem", value)}
                        />
                        <input
                            ref={picker}
                            type="file"
                            accept=".pem,.crt,.cer,.txt"
                            hidden
                            data-test="ca-picker"
                            onChange={take}
                        />
                        <div style={{marginTop: 8}}>
                            <Button
                                label="Choose a file..."
                                onClick={() => picker.current.click()}
                            />
                        </div>
                        {refused && <Message type="error">{refused}</Message>}
                    </div>
                )}
            </Wired>
        </ControlGroup>
    );
}

export default function Authority({instance, wrong, onAuthority, onChange}) {
    const file = instanceFields.find(({key}) => key === "ca_file");
    return (
        <>
            <ControlGroup
                label="Authority that signed the service's certificate"
                help="The certificate is always verified; there is no switch for that."
                controlsLayout="none"
            >
                <RadioList
                    name={`${instance.id}-authority`}
                    value={instance.authority}
                    onChange={(event, {value}) => onAuthority(value)}
                >
                    <RadioList.Option value="system">One that this system knows</RadioList.Option>
                    <RadioList.Option value="paste">
                        Our own: paste its certificate
                    </RadioList.Option>
                    <RadioList.Option value="file">
                        Our own: a PEM file on the search head
                    </RadioList.Option>
                </RadioList>
            </ControlGroup>
            {instance.authority === "paste" && (
                <Paste instance={instance} wrong={wrong.ca_pem} onChange={onChange} />
            )}
            {instance.authority === "file" && (
                <Field
                    owner={instance.id}
                    row={{
                        ...file,
                        help: "$SPLUNK_HOME may stand in the path. Every search head needs the file.",
                    }}
                    value={instance.values.ca_file}
                    wrong={wrong.ca_file}
                    onChange={onChange}
                />
            )}
        </>
    );
}
