#include "libs/graph/mapping.h"

#include <string.h>

#include "libs/core/arena.h"
#include "libs/core/map.h"
#include "libs/core/os.h"
#include "libs/text/csv.h"

enum {
    MEMORY_MAX = 4 << 20, /* bytes of names and quoted cells */
    COLUMNS_MAX = 16,
    TYPE_IGNORE = -1,
    NOT_FOUND = -1,
};

struct graph_mapping {
    struct arena arena;
    struct map by_name;
    struct graph_field fields[GRAPH_FIELDS_MAX];
    uint32_t count;
};

extern const char graph_mapping_default_text[];
extern const uint64_t graph_mapping_default_size;

static const char *const role_names[GRAPH_ROLE_COUNT] = {
    [GRAPH_ROLE_NONE] = "none",
    [GRAPH_ROLE_SRC] = "src",
    [GRAPH_ROLE_DEST] = "dest",
    [GRAPH_ROLE_DEVICE] = "device",
    [GRAPH_ROLE_REPORTER] = "reporter",
    [GRAPH_ROLE_USER] = "user",
    [GRAPH_ROLE_SRC_USER] = "src-user",
    [GRAPH_ROLE_PROCESS] = "process",
    [GRAPH_ROLE_PARENT_PROCESS] = "parent-process",
    [GRAPH_ROLE_FILE] = "file",
    [GRAPH_ROLE_MODULE] = "module",
    [GRAPH_ROLE_HASH] = "hash",
    [GRAPH_ROLE_URL] = "url",
    [GRAPH_ROLE_QUERY] = "query",
    [GRAPH_ROLE_ANSWER] = "answer",
    [GRAPH_ROLE_SENDER] = "sender",
    [GRAPH_ROLE_RECIPIENT] = "recipient",
    [GRAPH_ROLE_CLIENT_TRAIT] = "client-trait",
    [GRAPH_ROLE_SERVER_TRAIT] = "server-trait",
    [GRAPH_ROLE_REGISTRY] = "registry",
    [GRAPH_ROLE_VULNERABILITY] = "vulnerability",
};

const char *graph_role_name(enum graph_role role)
{
    return role_names[role];
}

/* The columns that a lookup must have. */
enum column { COLUMN_FIELD, COLUMN_KIND, COLUMN_ROLE, COLUMN_COUNT };

static const char *column_name(int column)
{
    static const char *const names[COLUMN_COUNT] = {"field", "kind", "role"};
    return names[column];
}

enum { KIND_WORDS = GRAPH_TYPE_COUNT }; /* one less for "masked", one more for "ignore" */

/* No field holds masked values: an admin's setting makes them. */
static int type_of_word(int index)
{
    return index < (int)GRAPH_MASKED ? index : index + 1;
}

/* A kind's or type's name, and behind them "ignore". */
static const char *kind_word(int index)
{
    int type = type_of_word(index);
    return type < GRAPH_TYPE_COUNT ? graph_type_name(type) : "ignore";
}

static const char *role_word(int index)
{
    return role_names[index];
}

static int find_word(struct str text, const char *(*word)(int), int count)
{
    for (int i = 0; i < count; i++)
        if (str_equal(text, str_of(word(i))))
            return i;
    return NOT_FOUND;
}

/* The word that `text` may have been meant to be, or NULL when none is near. */
static const char *nearest_word(struct str text, const char *(*word)(int), int count)
{
    enum { FAR = 4 };
    const char *nearest = NULL;
    size_t least = FAR < text.len ? FAR : text.len;
    for (int i = 0; i < count; i++) {
        size_t distance = str_distance(text, str_of(word(i)));
        if (distance < least) {
            least = distance;
            nearest = word(i);
        }
    }
    return nearest;
}

/* Refuses a word that is not known, naming the nearest one, or else all that are. */
static enum fault_code refuse_word(size_t line, const char *column, struct str text,
                                   const char *(*word)(int), int count, struct fault *fault)
{
    const char *nearest = nearest_word(text, word, count);
    char known[320];
    size_t len = 0;
    text = str_take(text, 64);
    if (nearest)
        return fault_field(fault, FAULT_INPUT, column,
                           "line %zu: %s \"%.*s\" is not known; did you mean \"%s\"?", line, column,
                           STR_ARG(text), nearest);
    for (int i = 0; i < count; i++) {
        struct str next = str_of(word(i));
        if (len + next.len + 3 > sizeof known)
            break;
        memcpy(known + len, next.ptr, next.len);
        memcpy(known + len + next.len, ", ", 2);
        len += next.len + 2;
    }
    known[len - 2] = '\0';
    return fault_field(fault, FAULT_INPUT, column,
                       "line %zu: %s \"%.*s\" is not known; it must be one of %s", line, column,
                       STR_ARG(text), known);
}

/* Finds the columns that must be there in the header; others are passed over. */
static enum fault_code read_header(size_t line, const struct str *cells, size_t count,
                                   size_t out_columns[COLUMN_COUNT], struct fault *fault)
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        size_t at = 0;
        while (at < count && !str_equal(str_trim(cells[at]), str_of(column_name(column))))
            at++;
        if (at == count)
            return fault_field(fault, FAULT_INPUT, column_name(column),
                               "line %zu: the header has no column \"%s\"; it must name field, "
                               "kind and role",
                               line, column_name(column));
        out_columns[column] = at;
    }
    return FAULT_NONE;
}

static enum fault_code check_name(size_t line, struct str name, struct fault *fault)
{
    if (name.len == 0)
        return fault_field(fault, FAULT_INPUT, "field", "line %zu: the field has no name", line);
    if (name.len > GRAPH_FIELD_NAME_MAX)
        return fault_field(fault, FAULT_LIMIT, "field",
                           "line %zu: the field's name is over the limit of %d bytes", line,
                           GRAPH_FIELD_NAME_MAX);
    bool plain = str_is_utf8(name);
    for (size_t i = 0; i < name.len; i++)
        plain = plain && (unsigned char)name.ptr[i] >= 0x20;
    if (!plain)
        return fault_field(fault, FAULT_INPUT, "field",
                           "line %zu: the field's name is not UTF-8 text of one line", line);
    return FAULT_NONE;
}

static enum fault_code put_field(struct graph_mapping *mapping, size_t line,
                                 struct graph_field field, struct fault *fault)
{
    uint32_t at;
    if (map_get(&mapping->by_name, field.name, &at)) {
        mapping->fields[at].type = field.type;
        mapping->fields[at].role = field.role;
        return FAULT_NONE;
    }
    if (mapping->count == GRAPH_FIELDS_MAX)
        return fault_set(fault, FAULT_LIMIT, "line %zu: more than %d fields", line,
                         GRAPH_FIELDS_MAX);
    field.name = arena_copy(&mapping->arena, field.name);
    if (!field.name.ptr || map_put(&mapping->by_name, field.name, mapping->count) != FAULT_NONE)
        return fault_set(fault, FAULT_NO_MEMORY, "line %zu: no memory for the field mapping", line);
    mapping->fields[mapping->count++] = field;
    return FAULT_NONE;
}

static enum fault_code read_line(struct graph_mapping *mapping, size_t line,
                                 const struct str *cells, size_t count, const size_t *columns,
                                 struct fault *fault)
{
    struct str words[COLUMN_COUNT];
    for (int column = 0; column < COLUMN_COUNT; column++) {
        bool is_there = columns[column] < count;
        if (!is_there && column != COLUMN_ROLE)
            return fault_field(fault, FAULT_INPUT, column_name(column),
                               "line %zu: the column %s is missing", line, column_name(column));
        words[column] = is_there ? str_trim(cells[columns[column]]) : STR("");
    }
    enum fault_code code = check_name(line, words[COLUMN_FIELD], fault);
    if (code != FAULT_NONE)
        return code;
    int kind = find_word(words[COLUMN_KIND], kind_word, KIND_WORDS);
    if (kind == NOT_FOUND)
        return refuse_word(line, "kind", words[COLUMN_KIND], kind_word, KIND_WORDS, fault);
    int type = type_of_word(kind);
    int role = words[COLUMN_ROLE].len == 0
                   ? (int)GRAPH_ROLE_NONE
                   : find_word(words[COLUMN_ROLE], role_word, GRAPH_ROLE_COUNT);
    if (role == NOT_FOUND)
        return refuse_word(line, "role", words[COLUMN_ROLE], role_word, GRAPH_ROLE_COUNT, fault);
    return put_field(mapping, line,
                     (struct graph_field){.name = words[COLUMN_FIELD],
                                          .type = type == GRAPH_TYPE_COUNT ? TYPE_IGNORE : type,
                                          .role = (enum graph_role)role},
                     fault);
}

/* Passes over blank lines and those that begin with `#`, which would be cells to the CSV reader. */
static void skip_comments(struct csv *csv)
{
    for (;;) {
        size_t end = str_find_byte(csv->rest, '\n');
        struct str line = str_trim(str_take(csv->rest, end));
        if (csv->rest.len == 0 || (line.len > 0 && line.ptr[0] != '#'))
            return;
        csv->rest = str_skip(csv->rest, end + 1);
        csv->next_line++;
    }
}

static enum fault_code read_all(struct graph_mapping *mapping, struct str text, struct fault *fault)
{
    struct csv csv = csv_of(text);
    struct str cells[COLUMNS_MAX];
    size_t columns[COLUMN_COUNT] = {0};
    size_t count;
    bool has_header = false;
    for (;;) {
        bool more;
        skip_comments(&csv);
        enum fault_code code =
            csv_next(&csv, &mapping->arena, cells, COLUMNS_MAX, &count, &more, fault);
        if (code != FAULT_NONE)
            return code;
        if (!more)
            break;
        code = has_header ? read_line(mapping, csv.line, cells, count, columns, fault)
                          : read_header(csv.line, cells, count, columns, fault);
        if (code != FAULT_NONE)
            return code;
        has_header = true;
    }
    if (!has_header)
        return fault_set(fault, FAULT_INPUT,
                         "the field mapping is empty; its first line must be field,kind,role");
    return FAULT_NONE;
}

/* Takes out the ignored fields; the places of the others change, so the table is made anew. */
static enum fault_code drop_ignored(struct graph_mapping *mapping, struct fault *fault)
{
    uint32_t kept = 0;
    map_clear(&mapping->by_name);
    for (uint32_t i = 0; i < mapping->count; i++) {
        if (mapping->fields[i].type == TYPE_IGNORE)
            continue;
        mapping->fields[kept] = mapping->fields[i];
        if (map_put(&mapping->by_name, mapping->fields[kept].name, kept) != FAULT_NONE)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory for the field mapping");
        kept++;
    }
    mapping->count = kept;
    return FAULT_NONE;
}

enum fault_code graph_mapping_read(struct str csv, struct graph_mapping **out, struct fault *fault)
{
    struct graph_mapping *mapping = os_alloc(sizeof *mapping);
    if (!mapping)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory for the field mapping");
    arena_init(&mapping->arena, MEMORY_MAX);
    map_init(&mapping->by_name);
    enum fault_code code = read_all(mapping, csv, fault);
    if (code == FAULT_NONE)
        code = drop_ignored(mapping, fault);
    if (code == FAULT_NONE)
        *out = mapping;
    else
        graph_mapping_free(mapping);
    return code;
}

void graph_mapping_free(struct graph_mapping *taken)
{
    if (!taken)
        return;
    map_done(&taken->by_name);
    arena_done(&taken->arena);
    os_free(taken);
}

struct str graph_mapping_default(void)
{
    return (struct str){graph_mapping_default_text, (size_t)graph_mapping_default_size};
}

size_t graph_mapping_count(const struct graph_mapping *mapping)
{
    return mapping->count;
}

const struct graph_field *graph_mapping_at(const struct graph_mapping *mapping, size_t index)
{
    return &mapping->fields[index];
}

const struct graph_field *graph_mapping_find(const struct graph_mapping *mapping, struct str name)
{
    uint32_t at;
    return map_get(&mapping->by_name, name, &at) ? &mapping->fields[at] : NULL;
}
