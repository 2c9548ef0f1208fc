/* POST /v1/handoffs: what the app and the service say to each other, both halves in one room.
 *
 * A hand-off is NDJSON (UTF-8, one JSON object and LF a line), usually gzip-encoded:
 *
 *   {"handoff":{"version":1,"id":"<32 hex>","tenant":"acme","sid":"1763863200.42",
 *      "command":"ighandoff title=Beaconing","target":"https://ig.example/","title":"Beaconing",
 *      "investigation":"","user":"mara","app":"search","search_sha256":"<64 hex>",
 *      "earliest_us":0,"latest_us":0,"client":"intelgraph/0.1.0","parts":1}}
 *   {"entity":{"kind":"ip","value":"10.0.0.1","count":5,"first_us":1,"last_us":9,
 *      "fields":["src_ip"],"samples":[{"row":0,"time_us":1,"ref":"5:1234"}]}}
 *   {"relation":{"type":"connects-to","from":0,"to":1,"count":5,"first_us":1,"last_us":9,
 *      "samples":[...]}}
 *   {"commit":{"rows":120,"entities":2,"relations":1,"values":300,"placeholders":4,"invalid":0,
 *      "masked":0,"dropped":0,"entities_left_out":0,"relations_left_out":0,
 *      "content_sha256":"<64 hex>"}}
 *
 * "from" and "to" count the entity lines of the whole hand-off from 0; a relation stands after
 * both. Times are UTC microseconds; a member with nothing to say (no time, no samples, empty text)
 * may be left out. content_sha256 is SHA-256 over the entity and relation lines, their LFs
 * included, in order.
 *
 * Small: all lines in one POST /v1/handoffs.
 *
 * Large ("parts" n > 1):
 *   POST /v1/handoffs with the handoff line alone -> 202
 *   PUT /v1/handoffs/<id>/parts/<1..n>, entity and relation lines only -> 204; any order, and again
 *   POST /v1/handoffs/<id>/commit with the commit line -> as for a small one
 *
 * Answers: 201 with a receipt; 200 with the first receipt and "duplicate":true when the id is
 * committed already (content is compared: "same_content" tells); problems as
 * application/problem+json.
 *
 * id = the first 16 bytes of SHA-256 over tenant, sid, command, target, each preceded by its length
 * as 8 bytes big-endian, in hexadecimal. So a retry, a preview and a re-run are the same hand-off.
 */
#ifndef IG_WIRE_HANDOFF_H
#define IG_WIRE_HANDOFF_H

#include "libs/core/arena.h"
#include "libs/core/buf.h"
#include "libs/crypto/hash.h"
#include "libs/graph/graph.h"

enum {
    WIRE_VERSION = 1,
    WIRE_ID_HEX = 32,
    WIRE_TEXT_MAX = 256,       /* bytes of tenant, sid, title, investigation, user, app, client */
    WIRE_COMMAND_MAX = 4096,   /* bytes of command, target */
    WIRE_LINE_MAX = 32 * 1024, /* bytes of one line, LF included */
    WIRE_PART_MAX = 8 << 20,   /* bytes of one request's body, decompressed */
    WIRE_PARTS_MAX = 1000,
    WIRE_ENTITIES_MAX = 1000000, /* of one hand-off */
    WIRE_RELATIONS_MAX = 4000000,
    WIRE_FIELDS_MAX = 8, /* field names of one entity */
};

struct wire_handoff {
    struct str id;
    struct str tenant;
    struct str sid;
    struct str command;
    struct str target;
    struct str title;
    struct str investigation;
    struct str user;
    struct str app;
    struct str search_sha256; /* hexadecimal */
    struct str client;
    int64_t earliest_us; /* 0: not given */
    int64_t latest_us;
    int64_t parts; /* 1 .. WIRE_PARTS_MAX */
};

struct wire_entity {
    enum graph_kind kind;
    struct str value; /* normal form */
    int64_t count;
    int64_t first_us; /* GRAPH_NO_TIME: none */
    int64_t last_us;
    size_t field_count;
    struct str fields[WIRE_FIELDS_MAX];
    size_t sample_count;
    struct graph_sample samples[GRAPH_SAMPLES_MAX];
};

struct wire_relation {
    enum graph_relation_type type;
    int64_t from;
    int64_t to;
    int64_t count;
    int64_t first_us;
    int64_t last_us;
    size_t sample_count;
    struct graph_sample samples[GRAPH_SAMPLES_MAX];
};

struct wire_commit {
    int64_t rows;
    int64_t entities;
    int64_t relations;
    int64_t values;
    int64_t placeholders;
    int64_t invalid;
    int64_t masked;  /* values that others stand for, by the sender's admin */
    int64_t dropped; /* values that the sender's admin keeps */
    int64_t entities_left_out;
    int64_t relations_left_out;
    struct str content_sha256; /* hexadecimal */
};

/* What a committed hand-off is answered with, then and by GET /v1/handoffs/<id>/receipt. */
struct wire_receipt {
    struct str id;
    struct str link; /* absolute: the service's public URL + "open/handoffs/<id>" */
    bool duplicate;  /* it was committed before: the rest is the first receipt's */
    bool same_content;
    int64_t rows;
    int64_t entities_new; /* first seen by this hand-off */
    int64_t entities_merged;
    int64_t entities_skipped; /* left out by the sender */
    int64_t relations_new;
    int64_t relations_merged;
    int64_t relations_skipped;
    int64_t committed_us;
    int64_t audit_index;
    struct str audit_origin;
    struct str checkpoint; /* the signed note, with its line feeds */
    struct str content_sha256;
};

/* Hexadecimal id with a NUL. FAULT_NO_MEMORY only. */
enum fault_code wire_handoff_id(struct str tenant, struct str sid, struct str command,
                                struct str target, char out[WIRE_ID_HEX + 1],
                                struct fault *fault) MUST_USE;
bool wire_is_id(struct str text); /* 32 lower-case hexadecimal digits */

/* `text` as an encoder sends it: what is not UTF-8 becomes U+FFFD, a control character a blank, and
 * it is cut before the character that would pass `most` bytes. Gives `text` itself when it is fit
 * already, else what it wrote to room[most]. Whoever computes an id fits the four texts first, so
 * that the id is of what is sent. */
struct str wire_fit(struct str text, size_t most, char *room);

/* Encoders: add one line with its LF; refusals are the buf's. Texts are made fit; a member that
 * says nothing (empty text, no time, no samples) is left out. */
void wire_add_handoff(struct buf *out, const struct wire_handoff *handoff);
void wire_add_entity(struct buf *out, const struct graph_entity *entity,
                     const struct graph_mapping *mapping);
void wire_add_relation(struct buf *out, const struct graph_relation *relation);
void wire_add_commit(struct buf *out, const struct wire_commit *commit);
void wire_add_receipt(struct buf *out, const struct wire_receipt *receipt); /* no LF */

/* Decoder: one line at a time, strict. Unknown members are refused with the nearest known one, so
 * that a misspelt one is not lost. Texts live in the arena. */
enum wire_line_kind { WIRE_HANDOFF, WIRE_ENTITY, WIRE_RELATION, WIRE_COMMIT };

struct wire_line {
    enum wire_line_kind kind;
    union {
        struct wire_handoff handoff;
        struct wire_entity entity;
        struct wire_relation relation;
        struct wire_commit commit;
    };
};

/* The fault's field is "entity.count" and the like, or "line". 4 MiB of arena are enough for any
 * line within WIRE_LINE_MAX. */
enum fault_code wire_read_line(struct arena *arena, struct str line, struct wire_line *out,
                               struct fault *fault) MUST_USE;

/* Members it does not know are passed over: a newer service may say more. */
enum fault_code wire_read_receipt(struct arena *arena, struct str json, struct wire_receipt *out,
                                  struct fault *fault) MUST_USE;

/* Splits off the next line without its LF; false at the end. The last line may lack the LF. */
bool wire_next_line(struct str *body, struct str *out_line);

#endif
