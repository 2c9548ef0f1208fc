#include "integrations/splunk-app/native/settings/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libs/core/os.h"
#include "libs/core/str.h"

enum fault_code places_join(char *out, size_t size, const char *folder, const char *name,
                            struct fault *fault)
{
    int len = snprintf(out, size, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= size)
        return fault_set(fault, FAULT_LIMIT, "the path %s/%s is too long", folder, name);
    return FAULT_NONE;
}

static bool is_there(const char *path)
{
    int fd = os_open(path, 0, 0);
    if (fd < 0)
        return false;
    os_close(fd);
    return true;
}

/* Cuts the last part off a path; false when there is none. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

/* Goes up at most three folders (bin, platform, app) until one is an app with our conf. */
static bool find_app_above(char *path)
{
    for (int i = 0; i < 3; i++) {
        char conf[PATH_MAX];
        struct fault ignored;
        if (!go_up(path))
            return false;
        if (places_join(conf, sizeof conf, path, "default/intelgraph.conf", &ignored) ==
                FAULT_NONE &&
            is_there(conf))
            return true;
    }
    return false;
}

static bool find_app(char *out)
{
    ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (len > 0) {
        out[len] = '\0';
        if (find_app_above(out))
            return true;
    }
    char folder[PATH_MAX];
    if (!getcwd(folder, sizeof folder))
        return false;
    /* As if a program lay in the working folder. */
    struct fault ignored;
    return places_join(out, PATH_MAX, folder, "program", &ignored) == FAULT_NONE &&
           find_app_above(out);
}

/* $SPLUNK_HOME, else what <home>/etc/apps/<app> tells; "" when neither does. */
static void find_home(const char *app, char *out)
{
    const char *home = getenv("SPLUNK_HOME");
    if (home && home[0] == '/') {
        snprintf(out, PATH_MAX, "%s", home);
        return;
    }
    snprintf(out, PATH_MAX, "%s", app);
    bool in_splunk =
        go_up(out) && str_ends(str_of(out), STR("/etc/apps")) && go_up(out) && go_up(out);
    if (!in_splunk)
        out[0] = '\0';
}

enum fault_code places_find(struct places *out, struct fault *fault)
{
    if (!find_app(out->app))
        return fault_set(fault, FAULT_NOT_FOUND,
                         "default/intelgraph.conf was not found beside the program: it must be "
                         "started from the app's bin folder");
    find_home(out->app, out->home);
    const char *base = out->home[0] ? out->home : out->app;
    enum fault_code code = places_join(out->log, sizeof out->log, base, "var/log/splunk", fault);
    if (code == FAULT_NONE)
        code = places_join(out->outbox, sizeof out->outbox, base,
                           "var/lib/splunk/intelgraph/outbox", fault);
    return code;
}
