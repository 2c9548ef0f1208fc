/* What signing and reading a note share. Nobody outside includes this. */
#ifndef IG_TLOG_NOTE_PARTS_H
#define IG_TLOG_NOTE_PARTS_H

#include "libs/tlog/note.h"

/* The three lines that are signed. */
void note_parts_add_body(const struct note_head *head, struct buf *out);

/* The empty line and the signature's line. */
void note_parts_add_signature(const struct sign_public *key, struct str log,
                              const struct signature *signature, struct buf *out);

#endif
