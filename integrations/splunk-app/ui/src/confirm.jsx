// Asks before an instance is deleted.
import Button from "@splunk/react-ui/Button";
import Modal from "@splunk/react-ui/Modal";

export default function ConfirmDelete({asked, isLast, isDefault, busy, onDelete, onKeep, back}) {
    return (
        <Modal
            open={Boolean(asked)}
            onRequestClose={onKeep}
            returnFocus={back}
            style={{width: 480}}
            data-test="confirm-delete"
        >
            <Modal.Header title={`Delete "${asked?.name ?? ""}"?`} />
            <Modal.Body>
                Its settings and its stored token are removed at once. Searches and alerts that name
                it fail afterwards; what was handed off stays in IntelGraph.
                {isLast && " It is the only instance: nobody can hand off until there is another."}
                {!isLast && isDefault && " It is the default: another instance takes its place."}
            </Modal.Body>
            <Modal.Footer>
                <Button label="Keep it" onClick={onKeep} />
                <Button
                    appearance="destructive"
                    label="Delete"
                    disabled={busy}
                    onClick={onDelete}
                />
            </Modal.Footer>
        </Modal>
    );
}
