#include "libs/store/store_dialect.h"

#include <ctype.h>
#include <string.h>

#define SQLITE_ONLY "-- sqlite:"

enum token_kind { TOKEN_END, TOKEN_BLANK, TOKEN_COMMENT, TOKEN_WORD, TOKEN_OTHER };

struct reader {
    struct str rest;
    enum token_kind kind;
    struct str token;
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Up to and with the closing quote; a doubled one begins a token of its own, which does no harm. */
static size_t quoted_size(struct str s)
{
    size_t size = 1 + str_find_byte(str_skip(s, 1), s.ptr[0]);
    return size < s.len ? size + 1 : s.len;
}

static void next(struct reader *reader)
{
    struct str s = reader->rest;
    size_t size = 1;
    if (s.len == 0) {
        reader->kind = TOKEN_END;
        size = 0;
    } else if (isspace((unsigned char)s.ptr[0])) {
        reader->kind = TOKEN_BLANK;
        while (size < s.len && isspace((unsigned char)s.ptr[size]))
            size++;
    } else if (str_starts(s, STR("--"))) {
        reader->kind = TOKEN_COMMENT;
        size = str_find_byte(s, '\n');
    } else if (is_word(s.ptr[0])) {
        reader->kind = TOKEN_WORD;
        while (size < s.len && is_word(s.ptr[size]))
            size++;
    } else {
        reader->kind = TOKEN_OTHER;
        if (s.ptr[0] == '\'' || s.ptr[0] == '"')
            size = quoted_size(s);
    }
    reader->token = str_take(s, size);
    reader->rest = str_skip(s, size);
}

static bool at_word(const struct reader *reader, struct str word)
{
    return reader->kind == TOKEN_WORD && str_equal(reader->token, word);
}

static bool at_byte(const struct reader *reader, char byte)
{
    return reader->kind == TOKEN_OTHER && reader->token.ptr[0] == byte;
}

static void skip_blanks(struct reader *reader)
{
    do
        next(reader);
    while (reader->kind == TOKEN_BLANK);
}

/* What is another word anywhere. */
static void add_token(struct reader *reader, struct buf *out)
{
    bool is_bytes = at_word(reader, STR("x")) && str_starts(reader->rest, STR("'"));
    if (is_bytes) {
        next(reader); /* from the quote on */
        buf_addf(out, "'\\x%.*s::bytea", STR_ARG(str_skip(reader->token, 1)));
    } else if (at_word(reader, STR("BLOB"))) {
        buf_add_c(out, "BYTEA");
    } else {
        buf_add(out, reader->token);
    }
}

/* Within the columns of a table. */
static void add_column(struct reader *reader, struct buf *out)
{
    if (at_word(reader, STR("INTEGER")))
        buf_add_c(out, "BIGINT");
    else if (at_word(reader, STR("TEXT")))
        buf_add_c(out, "TEXT COLLATE \"C\"");
    else
        add_token(reader, out);
}

/* From "CREATE" on; ends at the semicolon or the end. */
static void add_create(struct reader *reader, struct buf *out)
{
    bool is_table = false;
    bool has_columns = false;
    int depth = 0;
    for (; reader->kind != TOKEN_END && !(depth == 0 && at_byte(reader, ';')); next(reader)) {
        if (depth == 0 && !has_columns && at_word(reader, STR("TABLE")))
            is_table = true;
        if (at_byte(reader, ')'))
            depth--;
        bool is_option = is_table && has_columns && depth == 0;
        if (at_byte(reader, '(')) {
            has_columns = true;
            depth++;
        }
        if (is_option && at_byte(reader, ')'))
            buf_add(out, reader->token);
        else if (is_option)
            continue; /* STRICT, WITHOUT ROWID and the comma between */
        else if (is_table && depth > 0)
            add_column(reader, out);
        else
            add_token(reader, out);
    }
}

static void add_other(struct reader *reader, struct buf *out)
{
    while (reader->kind != TOKEN_END && !at_byte(reader, ';')) {
        struct reader ahead = *reader;
        skip_blanks(&ahead);
        if (at_word(reader, STR("INDEXED")) && at_word(&ahead, STR("BY"))) {
            skip_blanks(&ahead); /* the index */
            *reader = ahead;
        } else {
            add_token(reader, out);
        }
        next(reader);
    }
}

void store_dialect_postgresql(struct str sql, struct buf *out)
{
    struct buf none;
    struct reader reader = {.rest = sql};
    bool is_left_out = false;
    buf_init(&none, 0); /* takes nothing */
    next(&reader);
    while (reader.kind != TOKEN_END) {
        struct buf *to = is_left_out ? &none : out;
        if (reader.kind == TOKEN_COMMENT && str_starts(reader.token, STR(SQLITE_ONLY)))
            is_left_out = true;
        if (reader.kind == TOKEN_BLANK || reader.kind == TOKEN_COMMENT) {
            buf_add(out, reader.token);
        } else if (at_byte(&reader, ';')) {
            buf_add(to, reader.token);
            is_left_out = false;
        } else if (at_word(&reader, STR("CREATE"))) {
            add_create(&reader, to);
            continue;
        } else {
            add_other(&reader, to);
            continue;
        }
        next(&reader);
    }
    buf_done(&none);
}
