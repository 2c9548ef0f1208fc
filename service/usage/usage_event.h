/* One usage event: a CloudEvent 1.0 whose type is "io.intelgraph.usage.use", ".void" or ".amend".
 *
 *     {"specversion":"1.0","type":"io.intelgraph.usage.use","source":"/gateway/eu-1","id":"7f31",
 *      "time":"2026-11-23T12:00:00.5Z","subject":"mara","traceparent":"00-...-01",
 *      "data":{"meter":"inference.tokens","quantity":"1200","dimensions":{"model":"m-large"}}}
 *
 * A quantity is a whole number in the meter's unit, 0 .. USAGE_QUANTITY_MAX, as a number or, since
 * JSON's numbers are read by many as doubles, as text. A void or an amendment names the event it
 * corrects by "refers_to": {"source", "id", "time"}; an amendment has the quantity that counts
 * instead. Reading and checking only: no store, no clock. */
#ifndef IG_USAGE_EVENT_H
#define IG_USAGE_EVENT_H

#include "libs/core/arena.h"
#include "libs/core/fault.h"
#include "libs/text/json.h"
#include "service/usage/usage_meter.h"

enum {
    USAGE_KEY_SIZE = 16,
    USAGE_CONTENT_SIZE = 16,
    USAGE_TEXT_MAX = 256,       /* bytes of id, source, subject, a dimension's value */
    USAGE_EVENT_MAX = 64 * 1024 /* bytes of one event (CloudEvents: the size to accept) */
};

#define USAGE_QUANTITY_MAX INT64_C(1000000000000000) /* 10^15 */

enum usage_kind { USAGE_USE, USAGE_VOID, USAGE_AMEND };

/* Which of an event's origins it gave. */
enum { USAGE_HAS_SOURCE = 1, USAGE_HAS_TIME = 2, USAGE_HAS_ACTOR = 4, USAGE_HAS_TRACE = 8 };

struct usage_event {
    enum usage_kind kind;
    struct str source;
    struct str id;
    int64_t time_us;
    const struct usage_meter *meter;
    int64_t quantity;
    struct str dimensions; /* canonical: {"class":"hot","store":"a"} */
    int provenance;
    uint8_t key[USAGE_KEY_SIZE];
    uint8_t refers_to[USAGE_KEY_SIZE]; /* of a void or an amendment */
    uint8_t content[USAGE_CONTENT_SIZE];
};

/* Texts are in the arena. FAULT_INPUT or FAULT_LIMIT name the member. */
enum fault_code usage_event_read(struct arena *arena, const struct json *value,
                                 struct usage_event *out, struct fault *fault) MUST_USE;

/* Who sent an event that is not good, and its id, each as far as it can be told; else as they were.
 * So that what waits in the DLQ is found by its source, and provenance counts it there. */
void usage_event_name(const struct json *value, struct str *out_source, struct str *out_id);

/* For readers: a time as an event has it; false: it is none. Then, when all members are there, what
 * follows from them: provenance, key, content. */
bool usage_event_time(struct str text, int64_t *out_us) MUST_USE;
void usage_event_finish(struct usage_event *event, bool has_actor, bool has_trace);

/* The members "quantity" and "dimensions" of an object, as an event's data has them; for those who
 * ask before there is an event. `advice` ends the sentence about a wrong quantity. */
enum fault_code usage_event_quantity(const struct json *data, const char *advice, int64_t *out,
                                     struct fault *fault) MUST_USE;
enum fault_code usage_event_dimensions(struct arena *arena, const struct json *data,
                                       const struct usage_meter *meter, struct str *out,
                                       struct fault *fault) MUST_USE;

/* Over all that counts: the same event sent again has the same. Of kind, time, quantity, meter,
 * refers_to and dimensions. */
void usage_event_content(const struct usage_event *event, uint8_t out[USAGE_CONTENT_SIZE]);

/* 6 bytes of the time in milliseconds, 10 of SHA-256 over source and id: what clients draw at
 * random lies together in time all the same. */
void usage_event_key(struct str source, struct str id, int64_t time_us,
                     uint8_t out[USAGE_KEY_SIZE]);

#endif
