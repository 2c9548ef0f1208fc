#include "service/main/main_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/identity/identity.h"
#include "service/migrations/migrations.h"
#include "service/usage/usage.h"

static const char store_name[] = "intelgraph.db";

static enum fault_code find_folder(struct str given, char out[MAIN_PATH_MAX], struct fault *fault)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len;
    if (given.len > 0)
        len = snprintf(out, MAIN_PATH_MAX, "%.*s", STR_ARG(given));
    else if (state && state[0] == '/')
        len = snprintf(out, MAIN_PATH_MAX, "%s/intelgraphd", state);
    else if (home && home[0] == '/')
        len = snprintf(out, MAIN_PATH_MAX, "%s/.local/state/intelgraphd", home);
    else
        return fault_field(fault, FAULT_INPUT, "data",
                           "there is no home folder to keep data in; name a folder with --data");
    /* Some room is left for the names of files within. */
    if (len >= MAIN_PATH_MAX - 64)
        return fault_field(fault, FAULT_INPUT, "data", "the data folder's name is too long");
    return FAULT_NONE;
}

static enum fault_code make_folder(const char *folder, bool make, struct fault *fault)
{
    struct stat found;
    if (stat(folder, &found) != 0) {
        if (errno == ENOENT && !make)
            return fault_field(fault, FAULT_NOT_FOUND, "data",
                               "there is no data folder %s; name the service's with --data",
                               folder);
        enum fault_code code = file_make_folder(folder, 0700, fault);
        if (code != FAULT_NONE) {
            fault_prefix(fault, "the data folder cannot be made (choose another with --data): ");
            return code;
        }
    } else if (!S_ISDIR(found.st_mode)) {
        return fault_field(fault, FAULT_INPUT, "data", "%s is not a folder; choose one with --data",
                           folder);
    }
    if (access(folder, R_OK | W_OK | X_OK) != 0)
        return fault_errno(
            fault, errno,
            "the data folder %s is not writable for this user (give it to the user, or "
            "choose another with --data)",
            folder);
    return FAULT_NONE;
}

static int open_in(const struct main_data *data, const char *name)
{
    char path[MAIN_PATH_MAX];
    snprintf(path, sizeof path, "%.*s/%s", MAIN_PATH_MAX - 64, data->folder, name);
    return os_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* A command line is read by all users of the machine: no password in it. */
static enum fault_code check_given(const char *place, struct fault *fault)
{
    bool is_secret = false;
    enum fault_code code = store_place_check(place, &is_secret, fault);
    if (code == FAULT_NONE && is_secret)
        code = fault_field(fault, FAULT_INPUT, "store",
                           "--store holds a password, and every user of this machine can read it "
                           "there; put it into a password file (PGPASSFILE), or the address into "
                           "a file of mode 0600 and write --store file:PATH");
    return code;
}

static enum fault_code read_place(struct str file, char out[MAIN_PATH_MAX], struct fault *fault)
{
    char path[MAIN_PATH_MAX];
    struct buf text;
    if (!str_to_c(file, path, sizeof path))
        return fault_field(fault, FAULT_INPUT, "store",
                           "the name of the file in --store is too "
                           "long");
    buf_init(&text, MAIN_PATH_MAX - 1);
    enum fault_code code = file_read_private(path, &text, fault);
    if (code == FAULT_NONE &&
        (!str_to_c(str_trim(buf_str(&text)), out, MAIN_PATH_MAX) || !store_place_is_server(out)))
        code = fault_field(fault, FAULT_INPUT, "store",
                           "%s does not hold the address of a store: one line, "
                           "postgresql://USER@HOST:PORT/DATABASE",
                           path);
    buf_done(&text);
    return code;
}

static enum fault_code find_place(const struct main_data *data, struct str given,
                                  char out[MAIN_PATH_MAX], struct fault *fault)
{
    if (given.len == 0) {
        snprintf(out, MAIN_PATH_MAX, "%.*s/%s", MAIN_PATH_MAX - 64, data->folder, store_name);
        return FAULT_NONE;
    }
    if (str_starts(given, STR("file:")))
        return read_place(str_skip(given, 5), out, fault);
    if (!str_to_c(given, out, MAIN_PATH_MAX) || !store_place_is_server(out))
        return fault_field(fault, FAULT_INPUT, "store",
                           "--store is neither postgresql://USER@HOST:PORT/DATABASE nor file:PATH "
                           "of a file that holds such an address");
    return check_given(out, fault);
}

static enum fault_code open_parts(struct main_data *data, const char *place, int connections,
                                  struct fault *fault)
{
    struct service *service = &data->service;
    struct store *store = NULL;
    enum fault_code code = store_pool_new(place, connections, service_migrations,
                                          service_migration_count, &service->pool, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code == FAULT_NONE)
        code = audit_open(data->folder, store, &service->audit, fault);
    if (store)
        store_pool_give(service->pool, store);
    if (code == FAULT_NONE) {
        audit_watch_set(service->audit, usage_count_recorded, NULL);
        code = identity_new(service->pool, service->audit, &service->identity, fault);
    }
    return code;
}

enum fault_code main_data_open(struct main_data *data, struct str folder, struct str store,
                               bool make, int connections, struct fault *fault)
{
    char place[MAIN_PATH_MAX];
    memset(data, 0, sizeof *data);
    enum fault_code code = find_folder(folder, data->folder, fault);
    if (code == FAULT_NONE)
        code = find_place(data, store, place, fault);
    if (code == FAULT_NONE)
        code = make_folder(data->folder, make, fault);
    if (code != FAULT_NONE)
        return code;
    data->service.data = str_of(data->folder);
    data->service.started_us = os_now_us();
    /* Two programs that start on a new folder must not both make a key. */
    int opening = open_in(data, ".opening");
    if (opening < 0 || flock(opening, LOCK_EX) != 0) {
        code = fault_errno(fault, errno, "cannot lock the data folder %s", data->folder);
    } else {
        code = open_parts(data, place, connections, fault);
    }
    if (opening >= 0)
        os_close(opening);
    if (code != FAULT_NONE)
        main_data_close(data);
    return code;
}

void main_data_close(struct main_data *data)
{
    struct service *service = &data->service;
    identity_free(service->identity);
    audit_close(service->audit);
    if (service->pool)
        store_pool_free(service->pool);
    service->identity = NULL;
    service->audit = NULL;
    service->pool = NULL;
}

enum fault_code main_data_lock(const struct main_data *data, int *out_fd, struct fault *fault)
{
    char process[32] = {0};
    int fd = open_in(data, "serve.lock");
    if (fd < 0)
        return fault_errno(fault, errno, "cannot lock the data folder %s", data->folder);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t got = os_read(fd, process, sizeof process - 1);
        os_close(fd);
        struct str who = str_trim((struct str){process, got > 0 ? (size_t)got : 0});
        return fault_set(
            fault, FAULT_CONFLICT,
            "the data folder %s is served already, by process %.*s; stop it, or choose "
            "another folder with --data",
            data->folder, STR_ARG(who));
    }
    int len = snprintf(process, sizeof process, "%ld\n", (long)getpid());
    enum fault_code code = FAULT_NONE;
    if (os_ftruncate(fd, 0) != 0)
        code = fault_errno(fault, errno, "cannot write the lock of %s", data->folder);
    else
        code = file_write_all(fd, (struct str){process, (size_t)len}, "serve.lock", fault);
    if (code == FAULT_NONE)
        *out_fd = fd;
    else
        os_close(fd);
    return code;
}

int64_t main_data_free(const struct service *service)
{
    char path[MAIN_PATH_MAX];
    struct statvfs disk;
    if (!str_to_c(service->data, path, sizeof path) || statvfs(path, &disk) != 0)
        return -1;
    return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

int64_t main_data_size(const struct service *service)
{
    static const char *const ends[] = {"", "-wal"};
    int64_t size = -1;
    if (store_pool_port(service->pool) >= 0)
        return size; /* it is the server's */
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[MAIN_PATH_MAX];
        struct stat found;
        snprintf(path, sizeof path, "%.*s/%s%s", STR_ARG(service->data), store_name, ends[i]);
        if (stat(path, &found) == 0)
            size = (size < 0 ? 0 : size) + found.st_size;
    }
    return size;
}
