/* The routes of the pages and of what they load. */
#ifndef IG_UI_UI_WEB_H
#define IG_UI_UI_WEB_H

#include "service/web/web.h"

extern const struct web_route ui_routes[]; /* ends with WEB_ROUTES_END */

#endif
