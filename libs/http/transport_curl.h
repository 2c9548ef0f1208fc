/* What the files of the libcurl transport share. For this room only. */
#ifndef IG_HTTP_TRANSPORT_CURL_H
#define IG_HTTP_TRANSPORT_CURL_H

#include <curl/curl.h>

#include "libs/http/probe.h"

struct transport_carrier {
    CURL *curl;
    struct curl_slist *headers; /* of every request: the token is in here */
    struct curl_slist *connect; /* where to connect for a name that is only the certificate's */
    bool has_client_cert;
    bool has_proxy;
    bool has_proxy_credential;
    bool has_replied;
    struct http_probe *probe; /* while there is one: notes the peer of what is connected */
    const char *ca_setting;   /* where the authorities come from: "ca_file", "ca_pem", or a path */
    char base_url[HTTP_URL_MAX];  /* as the settings have it, for sentences */
    char asked_url[HTTP_URL_MAX]; /* the same, or with the certificate's name for the host */
    char proxy[HTTP_URL_MAX];
    char error[CURL_ERROR_SIZE];
};

/* transport_curl.c: libcurl itself, once a process. */
enum fault_code transport_init(struct fault *fault) MUST_USE;

/* transport_tls.c: the file where this system keeps its authorities; NULL: none is known. */
const char *transport_system_authorities(void);

/* transport_tls.c: who is trusted, what we show, by which way. */
enum fault_code transport_tls_set(struct transport_carrier *carrier,
                                  const struct http_settings *settings,
                                  struct fault *fault) MUST_USE;
enum fault_code transport_proxy_set(struct transport_carrier *carrier,
                                    const struct http_settings *settings,
                                    struct fault *fault) MUST_USE;

/* transport_fault.c: a request that came to no reply, in a sentence that names the setting. */
enum fault_code transport_fault_set(const struct transport_carrier *carrier, CURLcode rc,
                                    const struct http_reply *reply, struct fault *fault);

/* transport_probe.c: http_probe by libcurl. */
void transport_probe(void *opened, struct http_probe *out);

#endif
