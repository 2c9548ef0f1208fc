#include "integrations/splunk-app/native/handoff/args.h"

enum arg_name { TITLE, INVESTIGATION, INSTANCE, FIELDS, DRYRUN, MAXENTITIES, ARG_COUNT };

static const struct {
    const char *name;
    const char *form;
} table[ARG_COUNT] = {
    [TITLE] = {"title", "title=<text>"},
    [INVESTIGATION] = {"investigation", "investigation=<id>"},
    [INSTANCE] = {"instance", "instance=<name>"},
    [FIELDS] = {"fields", "fields=<field>,<field>..."},
    [DRYRUN] = {"dryrun", "dryrun=<true|false>"},
    [MAXENTITIES] = {"maxentities", "maxentities=<1 to 100000>"},
};

#define USAGE                                                                                      \
    "ighandoff [title=<text>] [investigation=<id>] [fields=<list>] [dryrun=<bool>] "               \
    "[maxentities=<n>] [instance=<name>]"

/* The argument that was meant; ARG_COUNT when none is near. */
static size_t find_nearest(struct str name)
{
    size_t least = SIZE_MAX;
    size_t nearest = 0;
    for (size_t i = 0; i < ARG_COUNT; i++) {
        size_t distance = str_distance(name, str_of(table[i].name));
        if (distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return least > str_of(table[nearest].name).len / 2 ? ARG_COUNT : nearest;
}

static enum fault_code unknown(struct str name, struct fault *fault)
{
    size_t nearest = find_nearest(name);
    if (nearest == ARG_COUNT)
        return fault_field(fault, FAULT_INPUT, "arguments",
                           "there is no argument \"%.*s\". Usage: " USAGE,
                           STR_ARG(str_take(name, 40)));
    return fault_field(fault, FAULT_INPUT, "arguments",
                       "there is no argument \"%.*s\"; did you mean %s? Usage: " USAGE,
                       STR_ARG(str_take(name, 40)), table[nearest].form);
}

/* Field names, separated by commas or blanks. splunkd may have split the list at its commas
 * already: then the rest comes as words of their own. */
static enum fault_code add_fields(struct args *args, struct str list, struct fault *fault)
{
    for (size_t start = 0; start < list.len;) {
        size_t end = start;
        while (end < list.len && list.ptr[end] != ',' && list.ptr[end] != ' ')
            end++;
        struct str name = {list.ptr + start, end - start};
        start = end + 1;
        if (name.len == 0)
            continue;
        if (args->field_count == ARGS_FIELDS_MAX)
            return fault_field(fault, FAULT_LIMIT, "fields", "fields= names more than %d fields",
                               ARGS_FIELDS_MAX);
        args->fields[args->field_count++] = name;
    }
    return FAULT_NONE;
}

static enum fault_code set_text(struct str *field, const char *name, struct str value,
                                struct fault *fault)
{
    if (value.len > ARGS_TEXT_MAX)
        return fault_field(fault, FAULT_LIMIT, name, "%s= has %zu bytes, at most %d are allowed",
                           name, value.len, ARGS_TEXT_MAX);
    if (!str_is_utf8(value))
        return fault_field(fault, FAULT_INPUT, name, "%s= is not UTF-8 text", name);
    *field = value;
    return FAULT_NONE;
}

static enum fault_code set_arg(struct args *args, enum arg_name name, struct str value,
                               struct fault *fault)
{
    uint64_t number;
    switch (name) {
    case TITLE:
        return set_text(&args->title, "title", value, fault);
    case INVESTIGATION:
        return set_text(&args->investigation, "investigation", value, fault);
    case INSTANCE:
        return set_text(&args->instance, "instance", value, fault);
    case FIELDS:
        return add_fields(args, value, fault);
    case DRYRUN:
        if (!str_to_bool(value, &args->dryrun))
            return fault_field(fault, FAULT_INPUT, "dryrun",
                               "dryrun=%.*s is neither true nor false",
                               STR_ARG(str_take(value, 40)));
        return FAULT_NONE;
    default:
        if (!str_to_u64(value, 100000, &number) || number == 0)
            return fault_field(fault, FAULT_INPUT, "maxentities",
                               "maxentities=%.*s must be a whole number from 1 to 100000",
                               STR_ARG(str_take(value, 40)));
        args->max_entities = (int64_t)number;
        return FAULT_NONE;
    }
}

enum fault_code args_set(struct args *args, struct str name, struct str value, struct fault *fault)
{
    size_t at = 0;
    while (at < ARG_COUNT && !str_equal(name, str_of(table[at].name)))
        at++;
    if (at < ARG_COUNT)
        return set_arg(args, (enum arg_name)at, value, fault);
    size_t nearest = find_nearest(name);
    return fault_field(fault, FAULT_INPUT, "parameters", "there is no parameter \"%.*s\"%s%s%s",
                       STR_ARG(str_take(name, 40)), nearest < ARG_COUNT ? "; did you mean \"" : "",
                       nearest < ARG_COUNT ? table[nearest].name : "",
                       nearest < ARG_COUNT ? "\"?" : "");
}

enum fault_code args_read(const struct scp_getinfo *info, struct args *out, struct fault *fault)
{
    struct args args = {0};
    struct scp_arg arg;
    size_t at = 0;
    bool seen[ARG_COUNT] = {false};
    bool in_fields = false;
    while (scp_arg_next(info, &at, &arg)) {
        size_t name = 0;
        enum fault_code code;
        while (name < ARG_COUNT && !str_equal_nocase(arg.name, str_of(table[name].name)))
            name++;
        if (arg.name.len == 0 && in_fields) {
            code = add_fields(&args, arg.value, fault);
        } else if (arg.name.len == 0) {
            return fault_field(fault, FAULT_INPUT, "arguments",
                               "\"%.*s\" is not name=value. Usage: " USAGE,
                               STR_ARG(str_take(arg.value, 40)));
        } else if (name == ARG_COUNT) {
            return unknown(arg.name, fault);
        } else if (seen[name]) {
            return fault_field(fault, FAULT_INPUT, table[name].name, "%s= is given twice",
                               table[name].name);
        } else {
            seen[name] = true;
            in_fields = name == FIELDS;
            code = set_arg(&args, (enum arg_name)name, arg.value, fault);
        }
        if (code != FAULT_NONE)
            return code;
    }
    if (seen[FIELDS] && args.field_count == 0)
        return fault_field(fault, FAULT_INPUT, "fields", "fields= names no field");
    *out = args;
    return FAULT_NONE;
}

static void add_text(struct buf *out, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    buf_addf(out, " %s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, value.ptr[i]);
    }
    buf_add_byte(out, '"');
}

void args_add_given(const struct args *args, struct buf *out)
{
    for (size_t i = 0; i < args->field_count; i++) {
        buf_add_c(out, i == 0 ? " fields=" : ",");
        buf_add(out, args->fields[i]);
    }
    add_text(out, "instance", args->instance);
    add_text(out, "investigation", args->investigation);
    if (args->max_entities > 0)
        buf_addf(out, " maxentities=%lld", (long long)args->max_entities);
}

void args_add_canonical(const struct args *args, struct buf *out)
{
    buf_add_c(out, "ighandoff");
    args_add_given(args, out);
    add_text(out, "title", args->title);
}
