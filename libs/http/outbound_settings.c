/* What may be set for calls to addresses that others chose. */
#include "libs/http/outbound.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 256 };

static enum fault_code check_smtp(const struct http_outbound_settings *settings,
                                  struct fault *fault)
{
    char url[TEXT_MAX];
    struct fault why;
    struct str smtp = settings->smtp;
    bool plain = str_starts(smtp, STR("smtp://"));
    if (smtp.len == 0)
        return FAULT_NONE;
    struct str rest = str_skip(smtp, plain ? 7 : 8);
    /* Host and port, and nothing else: as a proxy's address. */
    snprintf(url, sizeof url, "http://%.*s", STR_ARG(str_take(rest, TEXT_MAX - 8)));
    if ((!plain && !str_starts(smtp, STR("smtps://"))) || smtp.len >= TEXT_MAX - 8 ||
        http_check_proxy(str_of(url), &why) != FAULT_NONE || str_ends(rest, STR("/")))
        return fault_field(
            fault, FAULT_INPUT, "smtp",
            "--smtp must be smtp://HOST:PORT (TLS by STARTTLS) or smtps://HOST:PORT");
    if (settings->smtp_from.len == 0)
        return fault_field(fault, FAULT_INPUT, "smtp-from",
                           "--smtp needs --smtp-from, the address that mails come from");
    return FAULT_NONE;
}

enum fault_code http_outbound_check(const struct http_outbound_settings *settings,
                                    struct fault *fault)
{
    enum fault_code code = http_outbound_check_allow(settings->allow, fault);
    return code == FAULT_NONE ? check_smtp(settings, fault) : code;
}

enum fault_code http_outbound_read_ports(struct str text, struct http_outbound_settings *out,
                                         struct fault *fault)
{
    int count = 0;
    int ports[HTTP_OUTBOUND_PORTS_MAX] = {0};
    struct str left = text;
    for (bool more = text.len > 0; more;) {
        struct str word;
        struct str rest = {0};
        uint64_t port;
        more = str_cut(left, ',', &word, &rest);
        left = rest;
        if (!str_to_u64(str_trim(word), 65535, &port) || port == 0 ||
            count == HTTP_OUTBOUND_PORTS_MAX)
            return fault_field(fault, FAULT_INPUT, "outbound-ports",
                               "--outbound-ports is \"%.*s\"; it must hold at most %d port numbers "
                               "between commas, such as 443,465,587",
                               STR_ARG(str_take(text, 100)), HTTP_OUTBOUND_PORTS_MAX);
        ports[count++] = (int)port;
    }
    memcpy(out->ports, ports, sizeof ports);
    out->port_count = count;
    return FAULT_NONE;
}
