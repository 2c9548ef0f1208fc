/* GET /open/entities: the link behind a field's value in Splunk, to what the graph knows of it. */
#include "service/handoffs/handoffs.h"

#include <inttypes.h>

#include "libs/wire/handoff.h"
#include "service/graph/graph_slice.h"
#include "service/handoffs/handoffs_call.h"

enum {
    LOCATION_MAX = 64 * 1024,
    CHECKPOINT_MAX = 64 * 1024,
    RAW_MAX = 4096, /* bytes of a value before it is brought into its normal form */
};

/* The value asked for: by the name of the field that held it, or by its kind. */
struct asked {
    struct str field;
    struct str kind;
    struct str value;
};

struct found {
    struct graph_value entity;
    int64_t id;
    struct handoffs_row row; /* the newest hand-off that names it */
};

static struct asked read_query(const struct web_request *request)
{
    return (struct asked){
        .field = web_query(request, "field"),
        .kind = web_query(request, "kind"),
        .value = web_query(request, "value"),
    };
}

/* --- the value ------------------------------------------------------------------------------ */

/* What a field of this name holds, by the table that the app ships. */
static enum fault_code type_of_field(struct str name, int *out_type, struct fault *fault)
{
    struct graph_mapping *mapping;
    enum fault_code code = graph_mapping_read(graph_mapping_default(), &mapping, fault);
    if (code != FAULT_NONE)
        return code;
    const struct graph_field *field = graph_mapping_find(mapping, name);
    if (field)
        *out_type = field->type;
    else
        code = fault_field(fault, FAULT_INPUT, "field",
                           "field=%.*s: IntelGraph does not know what this field holds; say kind= "
                           "instead",
                           STR_ARG(str_take(name, 60)));
    graph_mapping_free(mapping);
    return code;
}

static enum fault_code type_of(const struct asked *asked, int *out_type, struct fault *fault)
{
    if ((asked->field.len > 0) == (asked->kind.len > 0))
        return fault_field(fault, FAULT_INPUT, "field",
                           "say either field= (what Splunk calls it) or kind= (what it is)");
    if (asked->field.len > 0)
        return type_of_field(asked->field, out_type, fault);
    if (!graph_type_of_name(asked->kind, out_type))
        return fault_field(fault, FAULT_INPUT, "kind", "kind=%.*s is not known",
                           STR_ARG(str_take(asked->kind, 60)));
    return FAULT_NONE;
}

static enum fault_code normalise(const struct asked *asked, struct graph_value *out,
                                 struct fault *fault)
{
    int type = 0;
    enum fault_code code = type_of(asked, &type, fault);
    if (code != FAULT_NONE)
        return code;
    if (asked->value.len == 0 || asked->value.len > RAW_MAX)
        return fault_field(fault, FAULT_INPUT, "value", "value= must have 1 to %d bytes", RAW_MAX);
    if (graph_normalise(type, asked->value, out) != GRAPH_VALUE_GOOD)
        return fault_field(fault, FAULT_NOT_FOUND, "value",
                           "the value is not what %.*s holds, so the graph cannot know it",
                           STR_ARG(str_take(asked->field.len ? asked->field : asked->kind, 60)));
    return FAULT_NONE;
}

/* --- the graph ------------------------------------------------------------------------------ */

static enum fault_code find(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct found *out = context;
    struct str value = {out->entity.text, out->entity.len};
    struct str tenant = call->caller.tenant;
    bool known = false;
    int64_t number = 0;
    struct store_list latest = {0};
    enum fault_code code = graph_slice_find_entity(call->store, tenant, out->entity.kind, value,
                                                   &known, &out->id, &number, fault);
    if (code == FAULT_NONE && known)
        code = handoffs_store_list(call->store, tenant, number + 1, 1, call->request->arena,
                                   &latest, fault);
    if (code == FAULT_NONE && latest.count > 0)
        out->row = *(const struct handoffs_row *)latest.rows;
    else if (code == FAULT_NONE)
        code = fault_field(fault, FAULT_NOT_FOUND, "value",
                           "no hand-off of this tenant has named this value yet");
    return code;
}

static enum fault_code append_click(struct handoffs_call *call, const struct found *found,
                                    struct fault *fault)
{
    const struct handoffs_event event = {
        .action = "entity.opened",
        .result = "success",
        .handoff = found->row.id,
    };
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, CHECKPOINT_MAX);
    enum fault_code code = handoffs_audit_append(call, &event, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

/* As with the link of a hand-off: a click that cannot go on record is refused. */
static enum fault_code find_and_record(struct handoffs_call *call, void *context,
                                       struct fault *fault)
{
    enum fault_code code = find(call, context, fault);
    return code == FAULT_NONE ? append_click(call, context, fault) : code;
}

/* --- the reply ------------------------------------------------------------------------------ */

static enum fault_code send_to(struct handoffs_call *call, struct buf *location,
                               struct fault *fault)
{
    enum fault_code code = buf_check(location, "the address", fault);
    if (code == FAULT_NONE)
        web_redirect(call->request, call->reply, buf_str(location));
    return code;
}

/* Links from Splunk must survive the sign-in. What goes into the address is encoded twice: as
 * members of the query that comes back, and that as one member of the sign-in's. */
static enum fault_code to_sign_in(struct handoffs_call *call, struct fault *fault)
{
    struct asked asked = read_query(call->request);
    struct buf next;
    struct buf location;
    buf_init(&next, LOCATION_MAX);
    buf_init(&location, LOCATION_MAX);
    buf_add_c(&next, asked.field.len ? "/open/entities?field=" : "/open/entities?kind=");
    web_add_encoded(&next, asked.field.len ? asked.field : asked.kind);
    buf_add_c(&next, "&value=");
    web_add_encoded(&next, asked.value);
    enum fault_code code = buf_check(&next, "the address", fault);
    buf_add_c(&location, "/signin?next=");
    web_add_encoded(&location, buf_str(&next));
    if (code == FAULT_NONE)
        code = send_to(call, &location, fault);
    buf_done(&location);
    buf_done(&next);
    return code;
}

/* A person is told on a page what a program is told by 404. */
static enum fault_code to_missing(struct handoffs_call *call, struct str value, struct fault *fault)
{
    struct buf location;
    buf_init(&location, LOCATION_MAX);
    buf_add_c(&location, "/handoffs?missing=");
    web_add_encoded(&location, value);
    enum fault_code code = send_to(call, &location, fault);
    buf_done(&location);
    return code;
}

static enum fault_code to_page(struct handoffs_call *call, const struct found *found,
                               struct fault *fault)
{
    struct buf location;
    buf_init(&location, LOCATION_MAX);
    buf_addf(&location, "/handoffs/%.*s?entity=%" PRId64, STR_ARG(found->row.id), found->id);
    enum fault_code code = send_to(call, &location, fault);
    buf_done(&location);
    return code;
}

static enum fault_code follow(struct handoffs_call *call, struct fault *fault)
{
    struct asked asked = read_query(call->request);
    struct found found = {0};
    /* HEAD asks where the link leads: nobody has opened it. */
    bool is_click = str_equal(call->request->method, STR("GET"));
    enum fault_code code = normalise(&asked, &found.entity, fault);
    if (code == FAULT_NONE)
        code = is_click ? handoffs_call_write(call, find_and_record, &found, fault)
                        : handoffs_call_read(call, find, &found, fault);
    if (code == FAULT_NOT_FOUND && handoffs_call_is_browser(call->request))
        return to_missing(call, asked.value, fault);
    return code == FAULT_NONE ? to_page(call, &found, fault) : code;
}

static enum fault_code open_entity(void *service, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_HANDOFF_READ, &call.caller, fault);
    if (code == FAULT_UNSIGNED && handoffs_call_is_browser(request))
        return to_sign_in(&call, fault);
    return code == FAULT_NONE ? follow(&call, fault) : code;
}

const struct web_route handoffs_open_routes[] = {
    {"GET", "/open/entities", open_entity, 0},
    WEB_ROUTES_END,
};
