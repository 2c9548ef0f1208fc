#include "service/ui/ui.h"

#include <assert.h>

#include "service/ui/ui_table.h"

static const struct str shell_name = {"index.html", sizeof "index.html" - 1};

static const struct ui_asset *find(struct str name)
{
    for (size_t i = 0; i < ui_table_count; i++) {
        if (str_equal(str_of(ui_table[i].name), name)) {
            return &ui_table[i];
        }
    }
    return NULL;
}

/* Some twenty assets, a request each at most once a year and browser: a walk is quick enough. */
const struct ui_asset *ui_asset_find(struct str name)
{
    return str_equal(name, shell_name) ? NULL : find(name);
}

const struct ui_asset *ui_page(void)
{
    const struct ui_asset *shell = find(shell_name);
    assert(shell); /* the build script writes it or fails */
    return shell;
}

bool ui_has_drawing(void)
{
    return ui_table_has_drawing;
}
