#include "service/notify/notify_secret.h"

#include <stdio.h>
#include <string.h>

enum { ABOUT_MAX = 192 };

enum fault_code notify_vault_open(const struct audit *audit, struct notify_vault *out,
                                  struct fault *fault)
{
    return audit_derive_key(audit, "secrets of webhooks, 1", out->key, fault);
}

void notify_vault_close(struct notify_vault *vault)
{
    explicit_bzero(vault, sizeof *vault);
}

/* Neither name holds a line feed. */
static struct str about(struct str tenant, struct str recipient, char out[ABOUT_MAX])
{
    int len = snprintf(out, ABOUT_MAX, "%.*s\n%.*s", STR_ARG(tenant), STR_ARG(recipient));
    return (struct str){out, len < ABOUT_MAX ? (size_t)len : ABOUT_MAX - 1};
}

enum fault_code notify_secret_seal(const struct notify_vault *vault, struct str tenant,
                                   struct str recipient, struct str secret, struct buf *out,
                                   struct fault *fault)
{
    char whose[ABOUT_MAX];
    return seal_add(out, vault->key, about(tenant, recipient, whose), secret, fault);
}

enum fault_code notify_secret_open(const struct notify_vault *vault, struct str tenant,
                                   struct str recipient, struct str sealed, struct buf *out,
                                   struct fault *fault)
{
    char whose[ABOUT_MAX];
    if (sealed.len == 0)
        return FAULT_NONE;
    enum fault_code code =
        seal_open_add(out, vault->key, about(tenant, recipient, whose), sealed, fault);
    if (code == FAULT_CORRUPT)
        code = fault_set(fault, FAULT_CORRUPT,
                         "the recipient's secret was sealed under another signing key; give it a "
                         "new one: POST /v1/recipients/{id}/secret");
    return code;
}
