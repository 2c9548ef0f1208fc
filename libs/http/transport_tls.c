#include "libs/http/transport_curl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/http/address.h"

enum { AUTHORITIES_MAX = 4 << 20 /* bytes of ca_file */ };

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the HTTP client");
}

/* --- authorities --------------------------------------------------------------------------- */

static bool is_there(const char *path)
{
    int fd = os_open(path, 0, 0);
    if (fd < 0)
        return false;
    os_close(fd);
    return true;
}

/* Where the systems that Splunk runs on keep their certificate authorities; a build that is to run
 * on all of them cannot rely on one compiled in. */
const char *transport_system_authorities(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* RHEL, Amazon Linux */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    };
    const char *named = getenv("SSL_CERT_FILE");
    if (named && named[0] && is_there(named))
        return named;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (is_there(places[i]))
            return places[i];
    return NULL;
}

/* Whether PEM text has a whole block that ends in `kind` ("CERTIFICATE", "PRIVATE KEY"). What is
 * within is for the TLS library to judge. */
static bool has_block(struct str pem, const char *kind)
{
    char end[64];
    snprintf(end, sizeof end, "%s-----", kind);
    size_t begin = str_find(pem, STR("-----BEGIN "));
    struct str rest = str_skip(pem, begin);
    size_t head = str_find(rest, str_of(end));
    struct str body = str_skip(rest, head + strlen(end));
    return head < rest.len && str_find(body, STR("-----END ")) < body.len;
}

static enum fault_code check_authorities(struct str pem, const char *setting, struct fault *fault)
{
    if (has_block(pem, "CERTIFICATE"))
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, setting,
                       "%s holds no certificate: it must be PEM text, from -----BEGIN "
                       "CERTIFICATE----- to -----END CERTIFICATE-----",
                       setting);
}

static bool set_blob(CURL *curl, CURLoption option, struct str text)
{
    struct curl_blob blob = {(void *)(uintptr_t)text.ptr, text.len, CURL_BLOB_COPY};
    return curl_easy_setopt(curl, option, &blob) == CURLE_OK;
}

static enum fault_code read_authorities(struct str name, struct buf *out, struct fault *fault)
{
    char path[1024];
    struct fault reading;
    if (!str_to_c(name, path, sizeof path))
        return fault_field(fault, FAULT_INPUT, "ca_file", "ca_file is not a file name");
    if (file_read(path, out, &reading) != FAULT_NONE)
        return fault_field(fault, reading.code == FAULT_NO_MEMORY ? reading.code : FAULT_INPUT,
                           "ca_file", "ca_file cannot be read: %s", reading.text);
    return check_authorities(buf_str(out), "ca_file", fault);
}

static enum fault_code set_own_authorities(struct transport_carrier *carrier, struct str pem)
{
    bool ok = set_blob(carrier->curl, CURLOPT_CAINFO_BLOB, pem) &&
              (!carrier->has_proxy || set_blob(carrier->curl, CURLOPT_PROXY_CAINFO_BLOB, pem));
    return ok ? FAULT_NONE : FAULT_NO_MEMORY;
}

static enum fault_code set_authorities(struct transport_carrier *carrier,
                                       const struct http_settings *settings, struct fault *fault)
{
    CURL *curl = carrier->curl;
    enum fault_code code = FAULT_NONE;
    /* Without a CApath libcurl parses one store once and keeps it for all connections. */
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_PROXY_CAPATH, NULL);
    if (settings->ca_file.len > 0 && settings->ca_pem.len > 0)
        return fault_field(fault, FAULT_INPUT, "ca_pem",
                           "ca_file and ca_pem are both set; only one of them may be");
    if (settings->ca_pem.len > 0) {
        carrier->ca_setting = "ca_pem";
        code = check_authorities(settings->ca_pem, "ca_pem", fault);
        if (code != FAULT_NONE)
            return code;
        return set_own_authorities(carrier, settings->ca_pem) == FAULT_NONE ? FAULT_NONE
                                                                            : no_memory(fault);
    }
    if (settings->ca_file.len > 0) {
        struct buf pem;
        buf_init(&pem, AUTHORITIES_MAX);
        carrier->ca_setting = "ca_file";
        code = read_authorities(settings->ca_file, &pem, fault);
        if (code == FAULT_NONE && set_own_authorities(carrier, buf_str(&pem)) != FAULT_NONE)
            code = no_memory(fault);
        buf_done(&pem);
        return code;
    }
    carrier->ca_setting = transport_system_authorities();
    if (!carrier->ca_setting)
        return fault_field(fault, FAULT_INPUT, "ca_file",
                           "this system has no certificate authorities where they are looked for "
                           "(/etc/ssl, /etc/pki); set ca_file or ca_pem");
    if (curl_easy_setopt(curl, CURLOPT_CAINFO, carrier->ca_setting) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, carrier->ca_setting) != CURLE_OK)
        return no_memory(fault);
    return FAULT_NONE;
}

/* --- own certificate ----------------------------------------------------------------------- */

static enum fault_code set_client_cert(struct transport_carrier *carrier, struct str cert,
                                       struct str key, struct fault *fault)
{
    CURL *curl = carrier->curl;
    if (cert.len == 0 && key.len == 0)
        return FAULT_NONE;
    if (cert.len == 0 || key.len == 0)
        return fault_field(fault, FAULT_INPUT,
                           cert.len == 0 ? "client_cert_file" : "client_key_file",
                           "client_cert_file and client_key_file must be set both, or none of "
                           "them");
    if (!has_block(cert, "CERTIFICATE"))
        return fault_field(fault, FAULT_INPUT, "client_cert_file",
                           "client_cert_file holds no certificate; it must be PEM text");
    /* libcrypto would ask for the pass phrase on a terminal. */
    if (str_find(key, STR("ENCRYPTED")) < key.len)
        return fault_field(fault, FAULT_INPUT, "client_key_file",
                           "the private key in client_key_file is encrypted; it must be stored "
                           "without a pass phrase, readable by the user that runs Splunk alone");
    if (!has_block(key, "PRIVATE KEY"))
        return fault_field(fault, FAULT_INPUT, "client_key_file",
                           "client_key_file holds no private key; it must be PEM text");
    carrier->has_client_cert = true;
    curl_easy_setopt(curl, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(curl, CURLOPT_SSLKEYTYPE, "PEM");
    if (!set_blob(curl, CURLOPT_SSLCERT_BLOB, cert) || !set_blob(curl, CURLOPT_SSLKEY_BLOB, key))
        return no_memory(fault);
    return FAULT_NONE;
}

enum fault_code transport_tls_set(struct transport_carrier *carrier,
                                  const struct http_settings *settings, struct fault *fault)
{
    CURL *curl = carrier->curl;
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    if (str_starts(settings->base_url, STR("http://")))
        return FAULT_NONE; /* to this machine only, never by a proxy */
    enum fault_code code = set_authorities(carrier, settings, fault);
    return code == FAULT_NONE ? set_client_cert(carrier, settings->client_cert_pem,
                                                settings->client_key_pem, fault)
                              : code;
}

/* --- the way ------------------------------------------------------------------------------- */

/* libcurl takes "user:password" percent-encoded. */
static bool set_proxy_credential(CURL *curl, const struct http_secret *pair)
{
    char text[3 * HTTP_SECRET_MAX + 1];
    size_t len = 0;
    bool in_user = true;
    for (size_t i = 0; i < pair->len; i++) {
        unsigned char c = (unsigned char)pair->text[i];
        bool splits = in_user && c == ':';
        bool plain =
            splits || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        in_user = in_user && !splits;
        len += (size_t)snprintf(text + len, sizeof text - len, plain ? "%c" : "%%%02X", c);
    }
    bool ok = curl_easy_setopt(curl, CURLOPT_PROXYUSERPWD, text) == CURLE_OK;
    explicit_bzero(text, sizeof text);
    curl_easy_setopt(curl, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    return ok;
}

enum fault_code transport_proxy_set(struct transport_carrier *carrier,
                                    const struct http_settings *settings, struct fault *fault)
{
    CURL *curl = carrier->curl;
    /* Said outright, so that the environment is not asked: whoever sets http_proxy for a shell that
     * starts Splunk does not decide where tokens go. What no_proxy means is decided here too. */
    if (curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "") != CURLE_OK)
        return no_memory(fault);
    if (settings->proxy.len == 0)
        return FAULT_NONE;
    enum fault_code code = http_check_proxy(settings->proxy, fault);
    if (code == FAULT_NONE)
        code = http_check_no_proxy(settings->no_proxy, fault);
    if (code != FAULT_NONE)
        return code;
    /* Plain HTTP is for this machine only: a proxy would carry the token off it. */
    if (str_starts(settings->base_url, STR("http://")) ||
        http_without_proxy(settings->no_proxy, http_address_host(settings->base_url)))
        return FAULT_NONE;
    if (!str_to_c(settings->proxy, carrier->proxy, sizeof carrier->proxy))
        return fault_field(fault, FAULT_INPUT, "proxy", "proxy is too long");
    carrier->has_proxy = true;
    carrier->has_proxy_credential = settings->proxy_credential != NULL;
    /* Our own headers, the token among them, are for the service alone. */
    curl_easy_setopt(curl, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (curl_easy_setopt(curl, CURLOPT_PROXY, carrier->proxy) != CURLE_OK ||
        (settings->proxy_credential && !set_proxy_credential(curl, settings->proxy_credential)))
        return no_memory(fault);
    return FAULT_NONE;
}
