/* Signing, apart from reading: a program that only verifies links no private key. */
#include "libs/tlog/note.h"

#include "libs/tlog/note_parts.h"

enum fault_code note_sign(const struct sign_key *key, const struct note_head *head, struct buf *out,
                          struct fault *fault)
{
    struct buf note;
    struct signature signature;
    buf_init(&note, NOTE_MAX);
    note_parts_add_body(head, &note);
    enum fault_code code = buf_check(&note, "the checkpoint", fault);
    if (code == FAULT_NONE)
        code = sign_message(key, buf_str(&note), &signature, fault);
    if (code == FAULT_NONE) {
        struct sign_public public_key = sign_key_public(key);
        note_parts_add_signature(&public_key, head->log, &signature, &note);
        code = buf_check(&note, "the checkpoint", fault);
    }
    if (code == FAULT_NONE) {
        buf_add(out, buf_str(&note));
        code = buf_check(out, "the checkpoint", fault);
    }
    buf_done(&note);
    return code;
}
