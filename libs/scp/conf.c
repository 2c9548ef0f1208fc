#include "libs/scp/conf.h"

#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"

struct scp_conf_item {
    struct scp_conf_item *older;
    struct str stanza;
    struct str key; /* empty: the stanza's own line */
    struct str value;
    const char *file;
    size_t line;
};

static const struct str default_stanza = {"default", 7};

void scp_conf_init(struct scp_conf *conf, struct arena *arena)
{
    *conf = (struct scp_conf){.arena = arena};
}

static enum fault_code add_item(struct scp_conf *conf, struct scp_conf_item wanted,
                                struct fault *fault)
{
    struct scp_conf_item *item = arena_alloc(conf->arena, sizeof *item);
    if (!item)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for %s", wanted.file);
    *item = wanted;
    item->older = conf->newest;
    conf->newest = item;
    return FAULT_NONE;
}

/* Takes one logical line: physical lines that end in a backslash are joined by a line feed. */
static enum fault_code next_line(struct scp_conf *conf, struct str *rest, size_t *line_count,
                                 struct str *out, struct fault *fault)
{
    struct str line;
    str_cut(*rest, '\n', &line, rest);
    ++*line_count;
    *out = str_trim(line);
    if (!str_ends(*out, STR("\\")) || out->ptr[0] == '#')
        return FAULT_NONE;

    struct buf joined;
    buf_init(&joined, SCP_CONF_MAX);
    while (str_ends(*out, STR("\\")) && rest->len > 0) {
        buf_add(&joined, str_take(*out, out->len - 1));
        buf_add_byte(&joined, '\n');
        str_cut(*rest, '\n', &line, rest);
        ++*line_count;
        *out = str_trim(line);
    }
    buf_add(&joined, str_ends(*out, STR("\\")) ? str_take(*out, out->len - 1) : *out);
    enum fault_code code = buf_check(&joined, "a conf value", fault);
    if (code == FAULT_NONE) {
        *out = arena_copy(conf->arena, buf_str(&joined));
        if (!out->ptr)
            code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for a conf value");
    }
    buf_done(&joined);
    return code;
}

static enum fault_code add_line(struct scp_conf *conf, struct scp_conf_item *at, struct str line,
                                struct fault *fault)
{
    struct str key;
    struct str value;
    if (line.len == 0 || line.ptr[0] == '#')
        return FAULT_NONE;
    if (str_find_byte(line, '\0') < line.len)
        return fault_set(fault, FAULT_INPUT, "%s line %zu: a NUL byte; save the file as UTF-8 text",
                         at->file, at->line);
    if (line.ptr[0] == '[') {
        if (!str_ends(line, STR("]")))
            return fault_set(fault, FAULT_INPUT, "%s line %zu: the stanza's ] is missing", at->file,
                             at->line);
        at->stanza = str_trim((struct str){line.ptr + 1, line.len - 2});
        at->key = STR("");
        at->value = STR("");
        return add_item(conf, *at, fault);
    }
    if (!str_cut(line, '=', &key, &value) || str_trim(key).len == 0)
        return fault_set(fault, FAULT_INPUT,
                         "%s line %zu: \"%.*s\" is neither a [stanza] nor key = value", at->file,
                         at->line, STR_ARG(str_take(line, 40)));
    at->key = str_trim(key);
    at->value = str_trim(value);
    return add_item(conf, *at, fault);
}

enum fault_code scp_conf_add(struct scp_conf *conf, const char *name, struct str text,
                             struct fault *fault)
{
    struct scp_conf_item at = {.stanza = default_stanza};
    struct str file = arena_copy(conf->arena, str_of(name));
    struct str rest = arena_copy(conf->arena, text);
    if (!file.ptr || !rest.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for %s", name);
    if (str_starts(rest, STR("\xef\xbb\xbf")))
        rest = str_skip(rest, 3);
    at.file = file.ptr;
    size_t line_count = 0;
    while (rest.len > 0) {
        struct str line;
        at.line = line_count + 1;
        enum fault_code code = next_line(conf, &rest, &line_count, &line, fault);
        if (code == FAULT_NONE)
            code = add_line(conf, &at, line, fault);
        if (code != FAULT_NONE)
            return code;
    }
    return FAULT_NONE;
}

enum fault_code scp_conf_add_file(struct scp_conf *conf, const char *path, struct fault *fault)
{
    struct buf text;
    struct fault reading;
    buf_init(&text, SCP_CONF_MAX);
    enum fault_code code = file_read(path, &text, &reading);
    if (code == FAULT_NONE)
        code = scp_conf_add(conf, path, buf_str(&text), fault);
    else if (code == FAULT_NOT_FOUND)
        code = FAULT_NONE;
    else
        *fault = reading;
    buf_done(&text);
    return code;
}

bool scp_conf_has_stanza(const struct scp_conf *conf, struct str stanza)
{
    for (const struct scp_conf_item *item = conf->newest; item; item = item->older)
        if (str_equal(item->stanza, stanza))
            return true;
    return false;
}

static bool find(const struct scp_conf *conf, struct str stanza, struct str key,
                 struct str *out_value)
{
    for (const struct scp_conf_item *item = conf->newest; item; item = item->older) {
        if (item->key.len > 0 && str_equal(item->key, key) && str_equal(item->stanza, stanza)) {
            *out_value = item->value;
            return true;
        }
    }
    return false;
}

bool scp_conf_get(const struct scp_conf *conf, struct str stanza, struct str key,
                  struct str *out_value)
{
    return find(conf, stanza, key, out_value) || find(conf, default_stanza, key, out_value);
}

const struct scp_conf_item *scp_conf_next(const struct scp_conf *conf, struct str stanza,
                                          const struct scp_conf_item *from)
{
    const struct scp_conf_item *item = from ? from->older : conf->newest;
    while (item && (item->key.len == 0 || !str_equal(item->stanza, stanza)))
        item = item->older;
    return item;
}

const struct scp_conf_item *scp_conf_each(const struct scp_conf *conf,
                                          const struct scp_conf_item *from)
{
    return from ? from->older : conf->newest;
}

struct str scp_conf_stanza(const struct scp_conf_item *item)
{
    return item->stanza;
}

struct str scp_conf_key(const struct scp_conf_item *item)
{
    return item->key;
}

void scp_conf_where(const struct scp_conf_item *item, char *out, size_t size)
{
    snprintf(out, size, "%s line %zu", item->file, item->line);
}
