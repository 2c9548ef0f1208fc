/* The wire between splunkd and a persistent REST handler (restmap.conf, scripttype = persist).
 *
 *     request:  <opcode: one byte> [INIT: <count>\n count x (<bytes>\n<word>) <bytes>\n<argument>]
 *               [BLOCK: <bytes>\n<JSON>]
 *     reply:    <bytes>\n<JSON>
 *
 * The process lives on; requests follow one another, strictly one reply for each. Line ends between
 * requests are passed over. */
#ifndef IG_SCP_PERSIST_H
#define IG_SCP_PERSIST_H

#include <stdbool.h>

#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum {
    PERSIST_INIT = 1,         /* the handler's command follows */
    PERSIST_BLOCK = 2,        /* a block follows */
    PERSIST_END = 4,          /* the request is whole */
    PERSIST_ALLOW_STREAM = 8, /* the reply may come in pieces; ours never does */

    PERSIST_WORDS_MAX = 64,
    PERSIST_WORD_MAX = 64 << 10,  /* bytes of a word or of the argument */
    PERSIST_BLOCK_MAX = 1 << 20,  /* bytes of a request's JSON; a form of ours has a few hundred */
    PERSIST_REPLY_MAX = 64 << 10, /* bytes of a reply's JSON */
};

/* Requests from a descriptor. Their memory holds authtokens: it is wiped with each next request. */
struct persist_reader {
    int fd;
    struct buf block;
};

void persist_reader_init(struct persist_reader *reader, int fd);
void persist_reader_done(struct persist_reader *reader); /* wipes */

struct json;

struct persist_packet {
    int opcode;
    struct str block; /* borrowed until the next read; empty without PERSIST_BLOCK */
};

/* Reads a whole request; the command and its argument are checked and passed over. *out_end when
 * the stream ended between requests; an end within one is FAULT_INPUT. After a fault it is not
 * known where the next request begins. Reads no byte beyond the request. */
enum fault_code persist_read(struct persist_reader *reader, struct persist_packet *out,
                             bool *out_end, struct fault *fault) MUST_USE;

/* Adds a reply, length and all; `payload` is JSON. Refusals are the buf's. */
void persist_reply_add(struct buf *out, int status, struct str payload);

/* --- what a block says --------------------------------------------------------------------- */

/* Texts live in the arena; those that splunkd leaves out are empty. */
struct persist_call {
    struct str method;
    struct str user;             /* of the session: splunkd has checked it */
    struct str authtoken;        /* the caller's; a secret */
    struct str system_authtoken; /* a secret, with passSystemAuth */
    struct str rest_uri;         /* of splunkd: "https://127.0.0.1:8089" */
    struct str server_name;
    const struct json *form; /* list of [name, value]; see persist_form */
};

/* FAULT_INPUT for what is no such JSON. */
enum fault_code persist_call_read(struct arena *arena, struct str block, struct persist_call *out,
                                  struct fault *fault) MUST_USE;

/* The value of a form's field; false when it is not there. A field that stands twice is told by
 * *out_twice: two readers of it would not agree. */
bool persist_form(const struct persist_call *call, const char *name, struct str *out_value,
                  bool *out_twice);

#endif
