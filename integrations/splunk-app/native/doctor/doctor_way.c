/* The way to the service: names, connection, proxy, TLS, and that something answers. */
#include "integrations/splunk-app/native/doctor/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integrations/splunk-app/native/peers/instance.h"
#include "libs/core/os.h"
#include "libs/text/time.h"

enum {
    ENDS_SOON_DAYS = 30,
    SKEW_WARNING_S = 30, /* the app's tokens hold for 300 */
};

#define DAY_US (INT64_C(86400) * 1000000)

static bool field_is(const struct fault *fault, const char *name)
{
    return strcmp(fault->field, name) == 0;
}

/* --- dns -------------------------------------------------------------------------------------- */

/* The host that a connection is made to: the proxy's, or the service's. */
static struct str host_to_connect(const struct doctor *doctor, bool *out_by_proxy)
{
    const struct settings *settings = &doctor->settings;
    struct str host = http_host(settings->url);
    *out_by_proxy = settings->proxy.len > 0 && str_starts(settings->url, STR("https://")) &&
                    !http_without_proxy(settings->no_proxy, host);
    return *out_by_proxy ? http_host(settings->proxy) : host;
}

void doctor_dns(struct doctor *doctor)
{
    struct http_addresses addresses;
    struct fault fault;
    char list[HTTP_ADDRESSES_MAX * (HTTP_ADDRESS_BYTES + 2)] = "";
    bool by_proxy = false;
    struct str host = host_to_connect(doctor, &by_proxy);
    enum fault_code code = http_resolve(host, doctor_time(doctor, DOCTOR_DNS), &addresses, &fault);
    if (code != FAULT_NONE) {
        enum doctor_cure cure = code == FAULT_UNAVAILABLE ? CURE_RESOLVER
                                : by_proxy                ? CURE_PROXY_NAME
                                                          : CURE_NAME;
        doctor_tell(doctor, DOCTOR_DNS, DOCTOR_FAILED, cure, "%s%s", fault.text,
                    by_proxy ? " (the proxy)" : "");
        return;
    }
    for (size_t i = 0; i < addresses.count; i++) {
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", addresses.list[i]);
    }
    if (addresses.count == 1 && str_equal(host, str_of(list)))
        doctor_tell(doctor, DOCTOR_DNS, DOCTOR_OK, CURE_NONE, "%s is an address", list);
    else
        doctor_tell(doctor, DOCTOR_DNS, DOCTOR_OK, CURE_NONE, "%.*s%s is %s", STR_ARG(host),
                    by_proxy ? " (the proxy)" : "", list);
}

/* --- tcp, proxy, tls: one probe ------------------------------------------------------------- */

/* A setting that no client can be made with: a file that cannot be read, a certificate that is
 * none.
 */
static void tell_no_client(struct doctor *doctor, const struct fault *fault)
{
    enum doctor_cure cure = CURE_SETTINGS;
    if (field_is(fault, "ca_file") || field_is(fault, "ca_pem"))
        cure = CURE_AUTHORITY;
    else if (field_is(fault, "client_cert_file") || field_is(fault, "client_key_file"))
        cure = CURE_CLIENT_CERT;
    else if (field_is(fault, "proxy_credential"))
        cure = CURE_PROXY_CREDENTIAL;
    doctor_tell(doctor, DOCTOR_TCP, DOCTOR_FAILED, cure, "%s", fault->text);
}

void doctor_tcp(struct doctor *doctor)
{
    struct http_probe *probe = &doctor->probe;
    struct fault fault;
    int limit_ms = doctor_time(doctor, DOCTOR_TCP);
    int connect_ms = (int)doctor->settings.connect_timeout_ms;
    enum fault_code code =
        instance_client_new(doctor->places, &doctor->settings, NULL, &doctor->plain, &fault);
    if (code == FAULT_NONE) {
        http_client_limit(doctor->plain, connect_ms < limit_ms ? connect_ms : limit_ms, limit_ms);
        code = http_probe(doctor->plain, probe, &fault);
    }
    if (code != FAULT_NONE) {
        tell_no_client(doctor, &fault);
        return;
    }
    bool by_proxy = probe->proxy[0] != '\0';
    if (probe->step == HTTP_STEP_CONNECT) {
        bool refused = probe->os_error == ECONNREFUSED;
        doctor_tell(doctor, DOCTOR_TCP, DOCTOR_FAILED,
                    by_proxy  ? CURE_PROXY_AWAY
                    : refused ? CURE_REFUSED
                              : CURE_FIREWALL,
                    "%s%s", probe->fault.text, refused ? " (nothing listens there)" : "");
        return;
    }
    bool is_ip6 = strchr(probe->peer, ':') != NULL;
    char took[32] = "";
    if (probe->connect_us > 0)
        snprintf(took, sizeof took, " in %.1f ms", (double)probe->connect_us / 1000);
    doctor_tell(doctor, DOCTOR_TCP, DOCTOR_OK, CURE_NONE, "connected to %s%s%s%s:%d%s",
                by_proxy ? "the proxy at " : "", is_ip6 ? "[" : "", probe->peer, is_ip6 ? "]" : "",
                probe->port, took);
}

void doctor_proxy(struct doctor *doctor)
{
    const struct http_probe *probe = &doctor->probe;
    if (probe->step == HTTP_STEP_PROXY)
        doctor_tell(doctor, DOCTOR_PROXY, DOCTOR_FAILED,
                    field_is(&probe->fault, "proxy_credential") ? CURE_PROXY_CREDENTIAL
                    : field_is(&probe->fault, "ca_file")        ? CURE_PROXY_AUTHORITY
                                                                : CURE_PROXY_REFUSES,
                    "%s", probe->fault.text);
    else if (probe->proxy[0])
        doctor_tell(doctor, DOCTOR_PROXY, DOCTOR_OK, CURE_NONE, "%s lets us through", probe->proxy);
    else if (doctor->settings.proxy.len > 0)
        doctor_tell(doctor, DOCTOR_PROXY, DOCTOR_OK, CURE_NONE,
                    "not used for this address: no_proxy names it, or it is this machine");
    else
        doctor_tell(doctor, DOCTOR_PROXY, DOCTOR_OK, CURE_NONE, "none is set");
}

/* Adds "CN = ig.example, signed by CN = Own CA, 19 days left"; gives the days, INT64_MAX when the
 * date is not readable. */
static int64_t add_certificate(struct buf *out, const struct http_certificate *certificate,
                               int64_t now_us)
{
    int64_t expires_us;
    buf_addf(out, "%s%s, signed by %s, ", out->len ? "; " : "", certificate->subject,
             certificate->issuer);
    if (!time_read_certificate(str_of(certificate->expires), &expires_us)) {
        buf_addf(out, "ends %s", certificate->expires);
        return INT64_MAX;
    }
    int64_t days = (expires_us - now_us) / DAY_US;
    if (expires_us < now_us)
        buf_addf(out, "ended %" PRId64 " days ago", -days);
    else
        buf_addf(out, "%" PRId64 " days left", days);
    return expires_us < now_us ? -1 : days;
}

static enum doctor_cure cure_of_tls(const struct fault *fault)
{
    if (strstr(fault->text, "has expired") || strstr(fault->text, "not valid yet"))
        return CURE_EXPIRED;
    if (strstr(fault->text, "another name"))
        return CURE_OTHER_NAME;
    if (field_is(fault, "ca_file"))
        return CURE_AUTHORITY;
    if (field_is(fault, "client_cert_file") || field_is(fault, "client_key_file"))
        return CURE_CLIENT_CERT;
    return CURE_HANDSHAKE;
}

void doctor_tls(struct doctor *doctor)
{
    const struct http_probe *probe = &doctor->probe;
    char room[DOCTOR_VALUE_BYTES];
    struct buf chain = {.ptr = room, .room = sizeof room, .limit = sizeof room - 1};
    int64_t least = INT64_MAX;
    if (!probe->is_tls) {
        doctor_tell(doctor, DOCTOR_TLS, DOCTOR_OK, CURE_NONE,
                    "not needed: the address is http:// to this machine");
        return;
    }
    for (size_t i = 0; i < probe->certificate_count; i++) {
        int64_t days = add_certificate(&chain, &probe->certificates[i], os_now_us());
        least = days < least ? days : least;
    }
    room[chain.len] = '\0';
    if (probe->step == HTTP_STEP_TLS)
        doctor_tell(doctor, DOCTOR_TLS, DOCTOR_FAILED, cure_of_tls(&probe->fault), "%s%s%s",
                    probe->fault.text, chain.len ? "; the chain that is shown: " : "", room);
    else
        doctor_tell(doctor, DOCTOR_TLS, least < ENDS_SOON_DAYS ? DOCTOR_WARNING : DOCTOR_OK,
                    least < ENDS_SOON_DAYS ? CURE_ENDS_SOON : CURE_NONE, "%s", room);
}

/* --- clock ------------------------------------------------------------------------------------ */

/* The Date of an answer to a request without a token: whether anything answers shows here too. */
void doctor_clock(struct doctor *doctor)
{
    struct http_request request = {.method = "GET", .path = STR("healthz")};
    struct http_reply reply;
    struct fault fault;
    int64_t said_us;
    int limit_ms = doctor_time(doctor, DOCTOR_CLOCK);
    http_client_limit(doctor->plain, limit_ms, limit_ms);
    int64_t before_us = os_now_us();
    if (http_send(doctor->plain, &request, &reply, &fault) != FAULT_NONE) {
        doctor_tell(doctor, DOCTOR_CLOCK, DOCTOR_FAILED,
                    cure_of_tls(&fault) == CURE_CLIENT_CERT ? CURE_CLIENT_CERT : CURE_NO_ANSWER,
                    "%s", fault.text);
        return;
    }
    int64_t after_us = os_now_us();
    bool is_ours =
        reply.status == 200 && str_find(buf_str(&reply.body), STR("\"alive\"")) < reply.body.len;
    int status = reply.status;
    buf_done(&reply.body);
    if (!is_ours) {
        doctor_tell(doctor, DOCTOR_CLOCK, DOCTOR_FAILED, CURE_NOT_OURS,
                    "what answers is not intelgraphd: GET /healthz gave %d", status);
        return;
    }
    if (!time_read_http(str_of(reply.date), &said_us)) {
        doctor_tell(doctor, DOCTOR_CLOCK, DOCTOR_WARNING, CURE_NO_ANSWER,
                    "the service's answer has no Date to compare with");
        return;
    }
    /* A Date has whole seconds: its middle. */
    int64_t skew_us = said_us + 500000 - (before_us + (after_us - before_us) / 2);
    int64_t skew_s = llabs((long long)skew_us) / 1000000;
    doctor_tell(doctor, DOCTOR_CLOCK, skew_s >= SKEW_WARNING_S ? DOCTOR_WARNING : DOCTOR_OK,
                skew_s >= SKEW_WARNING_S ? CURE_CLOCK : CURE_NONE,
                "the service's clock is %" PRId64
                " s %s this search head's; it answered in %.1f ms",
                skew_s, skew_us < 0 ? "behind" : "ahead of", (double)(after_us - before_us) / 1000);
}
