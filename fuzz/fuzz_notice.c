/* What recipients and the courier give: URLs, addresses, frames. What is taken as a URL has one
 * host and no way to end a line; what is taken as an address stands in one SMTP command. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libs/http/outbound.h"
#include "service/notify/notify_courier.h"
#include "service/notify/notify_rules.h"

static void check_line(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.ptr[i] > ' ' && (unsigned char)text.ptr[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct fault fault;
    struct http_outbound_request request;
    struct http_outbound_answer answer;
    if (notify_url_check(text, &fault) == FAULT_NONE) {
        check_line(text);
        assert(text.len <= NOTIFY_URL_MAX);
    }
    if (notify_address_check(text, &fault) == FAULT_NONE) {
        check_line(text);
        assert(!memchr(text.ptr, '<', text.len) && !memchr(text.ptr, '>', text.len));
    }
    struct http_outbound_settings settings = {.port_count = 0};
    if (http_outbound_read_ports(text, &settings, &fault) == FAULT_NONE)
        for (int i = 0; i < settings.port_count; i++)
            assert(settings.ports[i] > 0 && settings.ports[i] < 65536);
    (void)!http_outbound_check_allow(text, &fault);
    if (notify_frame_read_request(text, &request))
        assert(request.to.len + request.headers.len + request.body.len < size);
    if (notify_frame_read_answer(text, &answer))
        assert(strlen(answer.error) < sizeof answer.error && answer.status <= 999);
    return 0;
}
