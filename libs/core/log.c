#include "libs/core/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "libs/core/buf.h"
#include "libs/core/os.h"

enum { LINE_MAX_BYTES = 8192 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static enum log_level level_least = LOG_INFO;

void log_level_set(enum log_level least)
{
    level_least = least;
}

bool log_level_parse(struct str name, enum log_level *out_level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
        if (str_equal_nocase(name, str_of(level_names[i]))) {
            *out_level = (enum log_level)i;
            return true;
        }
    return false;
}

static bool is_plain(struct str s)
{
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
            return false;
    }
    return true;
}

static void add_value(struct buf *line, struct str s)
{
    if (is_plain(s)) {
        buf_add(line, s);
        return;
    }
    buf_add_byte(line, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\')
            buf_add_byte(line, '\\');
        if (c < ' ' || c == 0x7f)
            buf_addf(line, "\\x%02x", c);
        else
            buf_add_byte(line, (char)c);
    }
    buf_add_byte(line, '"');
}

/* The second as text is made anew once a second only: there may be 50,000 lines in it. */
static void add_time(struct buf *line)
{
    static _Thread_local time_t known = -1;
    static _Thread_local char text[40];
    int64_t now_us = os_now_us();
    time_t seconds = (time_t)(now_us / 1000000);
    int ms = (int)(now_us / 1000 % 1000);
    if (seconds != known) {
        struct tm utc;
        gmtime_r(&seconds, &utc);
        snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.", utc.tm_year + 1900,
                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
        known = seconds;
    }
    const char rest[] = {(char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10),
                         'Z'};
    buf_add(line, str_of(text));
    buf_add(line, (struct str){rest, sizeof rest});
}

void log_write(enum log_level level, const char *event, const struct log_pair *pairs, size_t count)
{
    if (level < level_least)
        return;
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    add_time(&line);
    buf_add_byte(&line, ' ');
    buf_add_c(&line, level_names[level]);
    buf_add_byte(&line, ' ');
    buf_add_c(&line, event);
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(&line, ' ');
        buf_add_c(&line, pairs[i].key);
        buf_add_byte(&line, '=');
        if (pairs[i].is_text)
            add_value(&line, pairs[i].text);
        else
            buf_add_i64(&line, pairs[i].number);
    }
    buf_add_byte(&line, '\n');
    /* A log line that cannot be written has nowhere to be reported. */
    ssize_t ignored = os_write(STDERR_FILENO, line.ptr, line.len);
    (void)ignored;
    buf_done(&line);
}
