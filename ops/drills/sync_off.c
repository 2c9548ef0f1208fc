/* Makes the drills' first control: preloaded, every connection of the real service runs with
 * synchronous=OFF. The product has no such switch. A drill that then loses nothing proves nothing.
 */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

typedef int prepare_function(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);

int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **out,
                       const char **out_rest)
{
    static const char safe[] = "PRAGMA synchronous=FULL;";
    prepare_function *prepare = (prepare_function *)dlsym(RTLD_NEXT, "sqlite3_prepare_v2");
    if (!prepare)
        abort();
    if (strncmp(sql, safe, sizeof safe - 1) != 0)
        return prepare(db, sql, size, out, out_rest);
    int code = prepare(db, "PRAGMA synchronous=OFF", -1, out, NULL);
    if (out_rest)
        *out_rest = sql + sizeof safe - 1;
    return code;
}
