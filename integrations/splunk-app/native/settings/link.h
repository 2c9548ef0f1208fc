/* The link that brings an analyst from Splunk to a hand-off in IntelGraph. */
#ifndef IG_NATIVE_LINK_H
#define IG_NATIVE_LINK_H

#include "integrations/splunk-app/native/settings/settings.h"

enum { LINK_BYTES = 2048 };

/* Whether link_template makes links: known placeholders, {id} among them, http(s), no longer than
 * LINK_BYTES, and nothing that would end a quoted cell or a line. */
enum fault_code link_check(const struct settings *settings, struct fault *fault) MUST_USE;

/* Writes the link of a hand-off, with a NUL. The settings have passed link_check. */
void link_write(const struct settings *settings, struct str id, char out[LINK_BYTES]);

#endif
