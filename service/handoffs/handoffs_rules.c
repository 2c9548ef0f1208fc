#include "service/handoffs/handoffs_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct handoffs_body handoffs_split(struct str body)
{
    struct handoffs_body split = {0};
    struct str rest = body;
    wire_next_line(&rest, &split.manifest);
    split.content = rest;
    if (rest.len == 0)
        return split;
    if (rest.ptr[rest.len - 1] == '\n')
        rest.len--;
    size_t start = rest.len;
    while (start > 0 && rest.ptr[start - 1] != '\n')
        start--;
    split.commit = str_skip(rest, start);
    split.content.len = start;
    return split;
}

enum fault_code handoffs_check_manifest(const struct wire_handoff *manifest, struct str tenant,
                                        struct fault *fault)
{
    char id[WIRE_ID_HEX + 1];
    /* The other tenant's name is not repeated: whether there is such a one is not told. */
    if (!str_equal(manifest->tenant, tenant))
        return fault_field(fault, FAULT_DENIED, "handoff.tenant",
                           "handoff.tenant is not the tenant of this credential, which is for "
                           "\"%.*s\": correct `tenant` or `credential` in intelgraph.conf",
                           STR_ARG(tenant));
    enum fault_code code = wire_handoff_id(manifest->tenant, manifest->sid, manifest->command,
                                           manifest->target, id, fault);
    if (code != FAULT_NONE)
        return code;
    if (!str_equal(manifest->id, str_of(id)))
        return fault_field(fault, FAULT_INPUT, "handoff.id",
                           "handoff.id is not the hash of tenant, sid, command and target, "
                           "which is %s",
                           id);
    return FAULT_NONE;
}

enum fault_code handoffs_check_analyst(const struct wire_handoff *manifest, struct str subject,
                                       struct str via, struct fault *fault)
{
    if (via.len == 0 || str_equal(manifest->user, subject))
        return FAULT_NONE;
    return fault_field(fault, FAULT_DENIED, "handoff.user",
                       "handoff.user is not the analyst whom this token was issued for");
}

enum fault_code handoffs_check_part(struct str text, int64_t part_count, int64_t *out_part,
                                    struct fault *fault)
{
    uint64_t part;
    if (!str_to_u64(text, (uint64_t)part_count, &part) || part == 0)
        return fault_field(fault, FAULT_INPUT, "part",
                           "part must be a whole number from 1 to %" PRId64
                           ", as the hand-off was opened with",
                           part_count);
    *out_part = (int64_t)part;
    return FAULT_NONE;
}

enum fault_code handoffs_check_ends(const struct wire_relation *relation, int64_t entities,
                                    struct fault *fault)
{
    bool from = relation->from >= entities;
    if (!from && relation->to < entities)
        return FAULT_NONE;
    const char *field = from ? "relation.from" : "relation.to";
    return fault_field(fault, FAULT_INPUT, field,
                       "%s is %" PRId64 ", but only %" PRId64 " entities stand before the relation",
                       field, from ? relation->from : relation->to, entities);
}

enum fault_code handoffs_check_commit(const struct wire_commit *commit, int64_t entities,
                                      int64_t relations, struct str content_sha256,
                                      struct fault *fault)
{
    if (commit->entities != entities)
        return fault_field(fault, FAULT_INPUT, "commit.entities",
                           "commit.entities is %" PRId64 ", but %" PRId64 " came: send it again",
                           commit->entities, entities);
    if (commit->relations != relations)
        return fault_field(fault, FAULT_INPUT, "commit.relations",
                           "commit.relations is %" PRId64 ", but %" PRId64 " came: send it again",
                           commit->relations, relations);
    if (!str_equal(commit->content_sha256, content_sha256))
        return fault_field(fault, FAULT_INPUT, "commit.content_sha256",
                           "commit.content_sha256 is not the digest of the lines that came, which "
                           "is %.*s: send them again",
                           STR_ARG(content_sha256));
    return FAULT_NONE;
}

enum fault_code handoffs_check_parts(const int64_t *present, int64_t present_count,
                                     int64_t part_count, struct fault *fault)
{
    int64_t missing = 1;
    if (present_count == part_count)
        return FAULT_NONE;
    while (missing <= present_count && present[missing - 1] == missing)
        missing++;
    return fault_field(fault, FAULT_CONFLICT, "parts",
                       "%" PRId64 " of %" PRId64
                       " parts have come; the first that is missing is %" PRId64
                       ": send it, then commit again",
                       present_count, part_count, missing);
}

enum fault_code handoffs_check_open(int64_t open_count, struct fault *fault)
{
    if (open_count < HANDOFFS_OPEN_MAX)
        return FAULT_NONE;
    return fault_set(
        fault, FAULT_UNAVAILABLE,
        "%d hand-offs of this tenant are open already: commit one of them, or wait; one "
        "that nothing comes for is removed after %d hours",
        HANDOFFS_OPEN_MAX, HANDOFFS_STALE_HOURS);
}

enum fault_code handoffs_check_staged(int64_t staged, int64_t size, struct fault *fault)
{
    if (size <= HANDOFFS_STAGED_MAX - staged)
        return FAULT_NONE;
    return fault_set(
        fault, FAULT_UNAVAILABLE,
        "parts of this tenant's open hand-offs take %" PRId64
        " bytes of the %d that may wait: commit one of them, or wait; one that nothing "
        "comes for is removed after %d hours",
        staged, HANDOFFS_STAGED_MAX, HANDOFFS_STALE_HOURS);
}

/* A name, an IPv4 address or a bracketed IPv6 address, with or without a port: nothing that could
 * begin a path, a user or another line. */
static bool is_host(struct str host)
{
    if (host.len == 0 || host.len > 255)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && !strchr(".-:[]_", c))
            return false;
        if (c == '\0')
            return false;
    }
    return true;
}

enum fault_code handoffs_add_link(struct buf *out, struct str public_url, struct str host,
                                  struct str id, struct fault *fault)
{
    if (public_url.len == 0 && !is_host(host))
        return fault_field(fault, FAULT_INPUT, "Host",
                           "the request's Host is missing or not a host name: links are made from "
                           "it as long as the service has no public_url");
    if (public_url.len > 0) {
        buf_add(out, public_url);
    } else {
        buf_add(out, STR("http://"));
        buf_add(out, host);
        buf_add_byte(out, '/');
    }
    buf_add(out, STR("open/handoffs/"));
    buf_add(out, id);
    return buf_check(out, "the link of a hand-off", fault);
}

bool handoffs_is_refusal(enum fault_code code)
{
    return code == FAULT_INPUT || code == FAULT_LIMIT || code == FAULT_DENIED ||
           code == FAULT_CONFLICT;
}

void handoffs_add_reason(struct buf *out, const struct fault *fault)
{
    static const char *const names[] = {
        [FAULT_INPUT] = "input",
        [FAULT_LIMIT] = "limit",
        [FAULT_DENIED] = "denied",
        [FAULT_CONFLICT] = "conflict",
    };
    buf_add_c(out, handoffs_is_refusal(fault->code) ? names[fault->code] : "failure");
    if (fault->field[0]) {
        buf_add(out, STR(": "));
        buf_add_c(out, fault->field);
    }
}
