#include "integrations/splunk-app/native/delivery/parcel.h"

#include "libs/http/gzip.h"

enum { HEAD_MAX = WIRE_LINE_MAX };

void parcel_init(struct parcel *parcel)
{
    buf_init(&parcel->head, HEAD_MAX);
    buf_init(&parcel->lines, PARCEL_LINES_MAX);
    buf_init(&parcel->commit, HEAD_MAX);
}

void parcel_done(struct parcel *parcel)
{
    buf_done(&parcel->head);
    buf_done(&parcel->lines);
    buf_done(&parcel->commit);
}

/* --- parts --------------------------------------------------------------------------------- */

/* The longest run of whole lines of at most PARCEL_PART_BYTES. One line is far shorter than that.
 */
static struct str take_part(struct str lines)
{
    if (lines.len <= PARCEL_PART_BYTES)
        return lines;
    size_t len = PARCEL_PART_BYTES;
    while (len > 0 && lines.ptr[len - 1] != '\n')
        len--;
    return str_take(lines, len);
}

size_t parcel_part_count(const struct parcel *parcel)
{
    struct str rest = buf_str(&parcel->lines);
    size_t count = 0;
    do {
        rest = str_skip(rest, take_part(rest).len);
        count++;
    } while (rest.len > 0);
    return count;
}

struct str parcel_part(const struct parcel *parcel, size_t number)
{
    struct str rest = buf_str(&parcel->lines);
    for (size_t i = 1; i < number; i++)
        rest = str_skip(rest, take_part(rest).len);
    return take_part(rest);
}

/* --- packing ------------------------------------------------------------------------------- */

static void pack_commit(struct parcel *parcel, const struct graph *graph, const char *sha256)
{
    struct graph_counts counts = graph_counts(graph);
    struct wire_commit commit = {
        .rows = (int64_t)counts.rows,
        .entities = (int64_t)graph_entity_count(graph),
        .relations = (int64_t)graph_relation_count(graph),
        .values = (int64_t)counts.values,
        .placeholders = (int64_t)counts.placeholders,
        .invalid = (int64_t)counts.invalid,
        .masked = (int64_t)counts.masked,
        .dropped = (int64_t)counts.dropped,
        .entities_left_out = (int64_t)counts.entities_left_out,
        .relations_left_out = (int64_t)counts.relations_left_out,
        .content_sha256 = str_of(sha256),
    };
    wire_add_commit(&parcel->commit, &commit);
}

enum fault_code parcel_pack(struct parcel *parcel, struct wire_handoff *handoff,
                            const struct graph *graph, const struct graph_mapping *mapping,
                            struct fault *fault)
{
    char sha256[SHA256_HEX + 1];
    buf_clear(&parcel->head);
    buf_clear(&parcel->lines);
    buf_clear(&parcel->commit);
    for (size_t i = 0; i < graph_entity_count(graph); i++)
        wire_add_entity(&parcel->lines, graph_entity_at(graph, i), mapping);
    for (size_t i = 0; i < graph_relation_count(graph); i++)
        wire_add_relation(&parcel->lines, graph_relation_at(graph, i));
    enum fault_code code = buf_check(&parcel->lines, "the hand-off", fault);
    if (code != FAULT_NONE)
        return code;
    struct sha256 digest = sha256_of(buf_str(&parcel->lines));
    hex_of(digest.bytes, sizeof digest.bytes, sha256);
    handoff->parts = (int64_t)parcel_part_count(parcel);
    wire_add_handoff(&parcel->head, handoff);
    pack_commit(parcel, graph, sha256);
    code = buf_check(&parcel->head, "the hand-off's first line", fault);
    return code == FAULT_NONE ? buf_check(&parcel->commit, "the commit line", fault) : code;
}

enum fault_code parcel_add(const struct parcel *parcel, struct buf *out, struct fault *fault)
{
    /* gzip members one after the other are one gzip text: no copy of all lines is needed. */
    size_t len_before = out->len;
    enum fault_code code = gzip_add(out, buf_str(&parcel->head), fault);
    if (code == FAULT_NONE && parcel->lines.len > 0)
        code = gzip_add(out, buf_str(&parcel->lines), fault);
    if (code == FAULT_NONE)
        code = gzip_add(out, buf_str(&parcel->commit), fault);
    if (code != FAULT_NONE)
        out->len = len_before;
    return code;
}

/* Moves the first and the last line out of a whole text. */
static enum fault_code split(struct parcel *parcel, struct fault *fault)
{
    struct str all = buf_str(&parcel->lines);
    size_t head = str_find_byte(all, '\n') + 1;
    size_t tail = all.len;
    while (tail > 1 && all.ptr[tail - 2] != '\n')
        tail--;
    tail--;
    if (all.len == 0 || all.ptr[all.len - 1] != '\n' || head > tail ||
        !str_starts(all, STR("{\"handoff\":")) ||
        !str_starts(str_skip(all, tail), STR("{\"commit\":")))
        return fault_set(fault, FAULT_INPUT, "not a hand-off: its first or last line is missing");
    buf_add(&parcel->head, str_take(all, head));
    buf_add(&parcel->commit, str_skip(all, tail));
    enum fault_code code = buf_check(&parcel->head, "the hand-off's first line", fault);
    if (code == FAULT_NONE)
        code = buf_check(&parcel->commit, "the commit line", fault);
    if (code != FAULT_NONE)
        return code;
    size_t middle = tail - head;
    for (size_t i = 0; i < middle; i++)
        parcel->lines.ptr[i] = parcel->lines.ptr[head + i];
    parcel->lines.len = middle;
    return FAULT_NONE;
}

enum fault_code parcel_unpack(struct parcel *parcel, struct str packed, struct fault *fault)
{
    buf_clear(&parcel->head);
    buf_clear(&parcel->lines);
    buf_clear(&parcel->commit);
    enum fault_code code = gunzip_add(&parcel->lines, packed, fault);
    return code == FAULT_NONE ? split(parcel, fault) : code;
}
