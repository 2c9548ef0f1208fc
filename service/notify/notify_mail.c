#include "service/notify/notify_mail.h"

#include <time.h>

#include "libs/crypto/hash.h"

enum {
    BODY_MAX = 2 * NOTIFY_TEXT_MAX + 512,
    LINE_BYTES = 57,    /* 76 characters of base64, RFC 2045 6.8 */
    SUBJECT_BYTES = 42, /* of an encoded word: 75 characters at most, RFC 2047 2 */
};

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
    return str_find(text, STR("=?")) == text.len; /* would be read as encoded */
}

/* As many bytes as make whole characters. */
static size_t whole_characters(struct str text, size_t most)
{
    size_t len = text.len < most ? text.len : most;
    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void add_subject(struct buf *out, struct str subject)
{
    buf_add(out, STR("Subject:"));
    if (is_plain(subject) && subject.len <= 200) {
        buf_addf(out, " %.*s\r\n", STR_ARG(subject));
        return;
    }
    while (subject.len > 0) {
        size_t len = whole_characters(subject, SUBJECT_BYTES);
        buf_add(out, STR(" =?utf-8?B?"));
        base64_add(out, str_take(subject, len));
        buf_add(out, STR("?=\r\n"));
        subject = str_skip(subject, len);
    }
}

static void add_date(struct buf *out, int64_t at_us)
{
    char text[64] = "";
    struct tm parts;
    time_t at = (time_t)(at_us / 1000000);
    if (gmtime_r(&at, &parts) &&
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts) > 0)
        buf_addf(out, "Date: %s\r\n", text);
}

static void add_body(struct buf *out, struct str text)
{
    while (text.len > 0) {
        base64_add(out, str_take(text, LINE_BYTES));
        buf_add(out, STR("\r\n"));
        text = str_skip(text, LINE_BYTES);
    }
}

void notify_add_mail(struct buf *out, const struct notify_mail *mail,
                     const struct notify_message *message)
{
    struct buf body;
    struct str local;
    struct str domain;
    str_cut(mail->from, '@', &local, &domain);
    buf_addf(out, "From: <%.*s>\r\nTo: <%.*s>\r\n", STR_ARG(mail->from), STR_ARG(mail->to));
    add_subject(out, message->subject);
    add_date(out, mail->at_us);
    buf_addf(out, "Message-ID: <%.*s@%.*s>\r\n", STR_ARG(mail->id), STR_ARG(domain));
    buf_addf(out, "X-IntelGraph-Notice: %.*s\r\n", STR_ARG(message->kind));
    buf_add(out, STR("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n"));
    buf_init(&body, BODY_MAX);
    for (size_t i = 0; i < message->text.len; i++) { /* line ends of text are CR LF, RFC 2045 6.8 */
        if (message->text.ptr[i] == '\n')
            buf_add_byte(&body, '\r');
        buf_add_byte(&body, message->text.ptr[i]);
    }
    buf_addf(&body, "\r\n-- \r\nIntelGraph, %.*s, tenant %.*s\r\n", STR_ARG(message->kind),
             STR_ARG(message->tenant));
    add_body(out, buf_str(&body));
    buf_done(&body);
}
