#include "libs/text/csv.h"

#include <string.h>

struct csv csv_of(struct str text)
{
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    return (struct csv){.rest = text, .next_line = 1};
}

/* A cell that begins with a quote: *rest stands after the opening quote, and then after the
 * closing. */
static enum fault_code read_quoted(struct csv *csv, struct arena *arena, struct str *rest,
                                   struct str *out, struct fault *fault)
{
    char *copy = arena_alloc(arena, rest->len ? rest->len : 1);
    size_t len = 0;
    if (!copy)
        return fault_set(fault, FAULT_LIMIT, "line %zu: a cell is over the limit of %zu bytes",
                         csv->line, arena->limit);
    for (;;) {
        size_t at = str_find_byte(*rest, '"');
        if (at == rest->len)
            return fault_set(fault, FAULT_INPUT, "line %zu: a quoted cell is not closed",
                             csv->line);
        memcpy(copy + len, rest->ptr, at);
        len += at;
        *rest = str_skip(*rest, at + 1);
        if (rest->len == 0 || rest->ptr[0] != '"')
            break;
        copy[len++] = '"';
        *rest = str_skip(*rest, 1);
    }
    for (size_t i = 0; i < len; i++)
        csv->next_line += copy[i] == '\n';
    *out = (struct str){copy, len};
    return FAULT_NONE;
}

static struct str read_bare(struct str *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ',' && rest->ptr[len] != '\n')
        len++;
    struct str cell = str_take(*rest, len);
    *rest = str_skip(*rest, len);
    if (str_ends(cell, STR("\r")) && (rest->len == 0 || rest->ptr[0] == '\n'))
        cell.len--;
    return cell;
}

enum fault_code csv_next(struct csv *csv, struct arena *arena, struct str *out_cells, size_t room,
                         size_t *out_count, bool *out_more, struct fault *fault)
{
    struct str rest = csv->rest;
    size_t count = 0;
    csv->line = csv->next_line;
    *out_more = rest.len > 0;
    while (*out_more) {
        if (count == room)
            return fault_set(fault, FAULT_LIMIT, "line %zu: more than %zu columns", csv->line,
                             room);
        if (rest.len > 0 && rest.ptr[0] == '"') {
            rest = str_skip(rest, 1);
            enum fault_code code = read_quoted(csv, arena, &rest, &out_cells[count], fault);
            if (code != FAULT_NONE)
                return code;
            if (str_starts(rest, STR("\r\n")))
                rest = str_skip(rest, 1);
        } else {
            out_cells[count] = read_bare(&rest);
        }
        count++;
        if (rest.len == 0)
            break;
        char end = rest.ptr[0];
        rest = str_skip(rest, 1);
        if (end == '\n')
            break;
        if (end != ',')
            return fault_set(fault, FAULT_INPUT,
                             "line %zu: text follows the closing quote of a cell", csv->line);
        if (rest.len == 0) { /* a comma ends the text: an empty last cell */
            if (count == room)
                return fault_set(fault, FAULT_LIMIT, "line %zu: more than %zu columns", csv->line,
                                 room);
            out_cells[count++] = (struct str){rest.ptr, 0};
            break;
        }
    }
    csv->next_line += *out_more;
    csv->rest = rest;
    *out_count = count;
    return FAULT_NONE;
}
