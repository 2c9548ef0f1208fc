/* The table that service/ui/build writes: every built-in asset, the shell "index.html" among them.
 */
#ifndef IG_UI_UI_TABLE_H
#define IG_UI_UI_TABLE_H

#include "service/ui/ui.h"

extern const struct ui_asset ui_table[];
extern const size_t ui_table_count;
extern const bool ui_table_has_drawing;

#endif
