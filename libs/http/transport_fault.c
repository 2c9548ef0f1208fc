/* Why a request came to no reply, told to an admin: what is wrong, and which setting mends it.
 *
 * libcurl's codes say which kind of failure it was; which certificate, and why it is not trusted,
 * stands in its verification results (numbers of X509_V_ERR_*) and, for alerts of the other side,
 * only in its text. */
#include "libs/http/transport_curl.h"

#include <string.h>

/* X509_verify_cert's results, by number since libs/http names libcurl only. */
enum {
    VERIFY_NOT_YET_VALID = 9,
    VERIFY_EXPIRED = 10,
    VERIFY_SELF_SIGNED = 18,
    VERIFY_SELF_SIGNED_IN_CHAIN = 19,
    VERIFY_NO_LOCAL_ISSUER = 20,
    VERIFY_UNKNOWN_ISSUER = 2,
    VERIFY_UNABLE_TO_VERIFY = 21,
};

static bool says(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static long info(const struct transport_carrier *carrier, CURLINFO which)
{
    long value = 0;
    curl_easy_getinfo(carrier->curl, which, &value);
    return value;
}

/* --- certificates that are not trusted ----------------------------------------------------- */

static enum fault_code set_untrusted(const struct transport_carrier *carrier, const char *why,
                                     struct fault *fault)
{
    long proxy_result = info(carrier, CURLINFO_PROXY_SSL_VERIFYRESULT);
    long result = proxy_result ? proxy_result : info(carrier, CURLINFO_SSL_VERIFYRESULT);
    /* Names are compared by libcurl itself, which has no result for that, and no reply to CONNECT
     * when it was the proxy's. */
    bool is_proxy = proxy_result || (carrier->has_proxy && result == 0 &&
                                     strncmp(carrier->proxy, "https:", 6) == 0 &&
                                     info(carrier, CURLINFO_HTTP_CONNECTCODE) == 0);
    const char *whose = is_proxy ? "the proxy " : "";
    const char *who = is_proxy ? carrier->proxy : carrier->base_url;
    switch (result) {
    case VERIFY_EXPIRED:
        return fault_field(fault, FAULT_DENIED, is_proxy ? "proxy" : "url",
                           "the certificate of %s%s cannot be trusted: it has expired; it must be "
                           "renewed there (or this machine's clock is wrong)",
                           whose, who);
    case VERIFY_NOT_YET_VALID:
        return fault_field(
            fault, FAULT_DENIED, is_proxy ? "proxy" : "url",
            "the certificate of %s%s cannot be trusted: it is not valid yet; look at "
            "this machine's clock",
            whose, who);
    case VERIFY_SELF_SIGNED:
    case VERIFY_SELF_SIGNED_IN_CHAIN:
    case VERIFY_NO_LOCAL_ISSUER:
    case VERIFY_UNKNOWN_ISSUER:
    case VERIFY_UNABLE_TO_VERIFY:
        return fault_field(fault, FAULT_DENIED, "ca_file",
                           "the certificate of %s%s cannot be trusted: none of the authorities in "
                           "%s has signed it; set ca_file or ca_pem to the one that did",
                           whose, who, carrier->ca_setting);
    default:
        break;
    }
    if (says(why, "subject name"))
        return fault_field(fault, FAULT_DENIED, is_proxy ? "proxy" : "url",
                           "the certificate of %s%s cannot be trusted: it is made out to another "
                           "name; %s must be set to the name that it holds",
                           whose, who, is_proxy ? "proxy" : "url");
    return fault_field(fault, FAULT_DENIED, "ca_file",
                       "the certificate of %s%s cannot be trusted: %s; ca_file and ca_pem say "
                       "which authorities may sign it",
                       whose, who, why);
}

/* --- our certificate ----------------------------------------------------------------------- */

/* What the other side says of our certificate comes as a TLS alert, during the handshake or, in
 * TLS 1.3, with the first read. False when it said nothing of the kind. */
static bool set_alert(const struct transport_carrier *carrier, const char *why, struct fault *fault)
{
    bool asks = says(why, "certificate required");
    bool ends = says(why, "alert handshake failure"); /* TLS 1.2 has no other word for asking */
    bool refuses = says(why, "alert unknown ca") || says(why, "alert bad certificate") ||
                   says(why, "alert certificate") || says(why, "alert unsupported certificate") ||
                   says(why, "alert access denied") || says(why, "alert decrypt error");
    if (asks && !carrier->has_client_cert)
        fault_field(fault, FAULT_DENIED, "client_cert_file",
                    "%s asks for a client certificate; set client_cert_file and client_key_file",
                    carrier->base_url);
    else if (ends && !carrier->has_client_cert)
        fault_field(fault, FAULT_DENIED, "client_cert_file",
                    "%s does not agree to a TLS connection (%s); where it asks for a client "
                    "certificate, set client_cert_file and client_key_file",
                    carrier->base_url, why);
    else if (carrier->has_client_cert && (asks || ends || refuses))
        fault_field(fault, FAULT_DENIED, "client_cert_file",
                    "%s does not accept the certificate in client_cert_file: %s", carrier->base_url,
                    why);
    else
        return false;
    return true;
}

/* --- the way ------------------------------------------------------------------------------- */

static enum fault_code set_proxy_refusal(const struct transport_carrier *carrier, long status,
                                         struct fault *fault)
{
    if (status == 407 && !carrier->has_proxy_credential)
        return fault_field(fault, FAULT_UNAVAILABLE, "proxy_credential",
                           "the proxy %s asks for user and password; set proxy_credential",
                           carrier->proxy);
    if (status == 407)
        return fault_field(fault, FAULT_UNAVAILABLE, "proxy_credential",
                           "the proxy %s does not accept user and password of proxy_credential",
                           carrier->proxy);
    return fault_field(fault, FAULT_UNAVAILABLE, "proxy",
                       "the proxy %s does not let us through to %s: it answered %ld; it must allow "
                       "this address, or no_proxy must name it",
                       carrier->proxy, carrier->base_url, status);
}

static enum fault_code set_unreachable(const struct transport_carrier *carrier, CURLcode rc,
                                       const char *why, struct fault *fault)
{
    long connect_status = info(carrier, CURLINFO_HTTP_CONNECTCODE);
    if (carrier->has_proxy && connect_status >= 300)
        return set_proxy_refusal(carrier, connect_status, fault);
    /* Before CONNECT is answered everything that fails is the proxy; a connection that has carried
     * a reply had its answer then. */
    if (carrier->has_proxy &&
        (rc == CURLE_COULDNT_RESOLVE_PROXY || (connect_status == 0 && !carrier->has_replied)))
        return fault_field(fault, FAULT_UNAVAILABLE, "proxy", "the proxy %s cannot be reached: %s",
                           carrier->proxy, why);
    return fault_set(fault, FAULT_UNAVAILABLE, "%s cannot be reached%s%s: %s", carrier->base_url,
                     carrier->has_proxy ? " by the proxy " : "", carrier->proxy, why);
}

enum fault_code transport_fault_set(const struct transport_carrier *carrier, CURLcode rc,
                                    const struct http_reply *reply, struct fault *fault)
{
    const char *why = carrier->error[0] ? carrier->error : curl_easy_strerror(rc);
    if (reply->body.code == FAULT_LIMIT)
        return fault_field(fault, FAULT_UNAVAILABLE, HTTP_REPLY,
                           "%s answered with more than %d bytes", carrier->base_url,
                           HTTP_REPLY_MAX);
    if (rc == CURLE_OUT_OF_MEMORY)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a request");
    if (rc == CURLE_SSL_CACERT_BADFILE)
        return fault_field(fault, FAULT_DENIED, "ca_file",
                           "the certificate of %s cannot be trusted: the certificates in %s cannot "
                           "be read (%s)",
                           carrier->base_url, carrier->ca_setting, why);
    /* A signature that does not hold, by an authority that only has the right name, libcurl tells
     * as a failed handshake. */
    if (rc == CURLE_PEER_FAILED_VERIFICATION ||
        (rc == CURLE_SSL_CONNECT_ERROR && (says(why, "EVP lib") || says(why, "bad signature"))))
        return set_untrusted(carrier, why, fault);
    if (rc == CURLE_SSL_CERTPROBLEM && says(why, "private key"))
        return fault_field(fault, FAULT_DENIED, "client_key_file",
                           "the private key in client_key_file does not belong to the certificate "
                           "in client_cert_file, or cannot be read");
    if (rc == CURLE_SSL_CERTPROBLEM)
        return fault_field(fault, FAULT_DENIED, "client_cert_file",
                           "the certificate in client_cert_file cannot be read: %s", why);
    if (set_alert(carrier, why, fault))
        return fault->code;
    return set_unreachable(carrier, rc, why, fault);
}
