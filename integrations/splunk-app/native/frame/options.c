#include "integrations/splunk-app/native/frame/options.h"

#include <assert.h>
#include <string.h>

enum { SHOWN = 40, OPTIONS_MAX = 64 };

static enum fault_code unknown(struct str name, const char *usage, const struct option *table,
                               size_t count, struct fault *fault)
{
    size_t least = SIZE_MAX;
    size_t nearest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(name, str_of(table[i].name));
        if (distance < least) {
            least = distance;
            nearest = i;
        }
    }
    bool is_near = least <= strlen(table[nearest].name) / 2;
    return fault_field(fault, FAULT_INPUT, "arguments",
                       "there is no argument \"%.*s\"%s%s%s Usage: %s",
                       STR_ARG(str_take(name, SHOWN)), is_near ? "; did you mean " : ".",
                       is_near ? table[nearest].form : "", is_near ? "?" : "", usage);
}

static enum fault_code set_text(const struct option *option, struct str value, void *field,
                                struct fault *fault)
{
    if ((int64_t)value.len < option->least)
        return fault_field(fault, FAULT_INPUT, option->name, "%s= is empty", option->name);
    if ((int64_t)value.len > option->most)
        return fault_field(fault, FAULT_LIMIT, option->name,
                           "%s= has %zu bytes, at most %lld are allowed", option->name, value.len,
                           (long long)option->most);
    if (!str_is_utf8(value))
        return fault_field(fault, FAULT_INPUT, option->name, "%s= is not UTF-8 text", option->name);
    *(struct str *)field = value;
    return FAULT_NONE;
}

static enum fault_code set_whole(const struct option *option, struct str value, void *field,
                                 struct fault *fault)
{
    uint64_t number;
    if (!str_to_u64(value, (uint64_t)option->most, &number) || number < (uint64_t)option->least)
        return fault_field(fault, FAULT_INPUT, option->name,
                           "%s=%.*s must be a whole number from %lld to %lld", option->name,
                           STR_ARG(str_take(value, SHOWN)), (long long)option->least,
                           (long long)option->most);
    *(int64_t *)field = (int64_t)number;
    return FAULT_NONE;
}

enum fault_code options_read(const struct scp_getinfo *info, const char *usage,
                             const struct option *table, size_t count, void *out,
                             struct fault *fault)
{
    struct scp_arg arg;
    size_t at = 0;
    uint64_t seen = 0;
    assert(count <= OPTIONS_MAX);
    while (scp_arg_next(info, &at, &arg)) {
        size_t i = 0;
        if (arg.name.len == 0)
            return fault_field(fault, FAULT_INPUT, "arguments",
                               "\"%.*s\" is not name=value. Usage: %s",
                               STR_ARG(str_take(arg.value, SHOWN)), usage);
        while (i < count && !str_equal_nocase(arg.name, str_of(table[i].name)))
            i++;
        if (i == count)
            return unknown(arg.name, usage, table, count, fault);
        if (seen >> i & 1)
            return fault_field(fault, FAULT_INPUT, table[i].name, "%s= is given twice",
                               table[i].name);
        seen |= UINT64_C(1) << i;
        void *field = (char *)out + table[i].offset;
        enum fault_code code = table[i].type == OPTION_TEXT
                                   ? set_text(&table[i], arg.value, field, fault)
                                   : set_whole(&table[i], arg.value, field, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}
