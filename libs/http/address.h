/* Parts of addresses. For this room only; what others need is in client.h. */
#ifndef IG_HTTP_ADDRESS_H
#define IG_HTTP_ADDRESS_H

#include "libs/core/str.h"

/* The host of a URL that http_check_url or http_check_proxy took, without brackets. */
struct str http_address_host(struct str url);

#endif
