/* The data folder, and the parts that live in it: store, audit log, identity. */
#ifndef IG_MAIN_MAIN_DATA_H
#define IG_MAIN_MAIN_DATA_H

#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "service/service.h"

enum { MAIN_PATH_MAX = 4096 };

struct main_data {
    char folder[MAIN_PATH_MAX];
    struct service service; /* pool, audit, identity, data */
};

/* Opens the parts in `folder` (empty: the default one), readable by this user only. `store` is
 * empty for a file in the folder, a server's address without a password, or "file:" and the path of
 * a file with an address, which nobody else may read. `connections` to the store at most. With
 * `make`, a folder that is missing is made; else it is FAULT_NOT_FOUND. May run beside a service
 * that serves the same folder. */
enum fault_code main_data_open(struct main_data *data, struct str folder, struct str store,
                               bool make, int connections, struct fault *fault) MUST_USE;
void main_data_close(struct main_data *data);

/* At most one service serves a folder. The lock goes with the process; *out_fd keeps it.
 * FAULT_CONFLICT names the folder and the process that has it. */
enum fault_code main_data_lock(const struct main_data *data, int *out_fd,
                               struct fault *fault) MUST_USE;

/* Bytes free for us where the folder is, and bytes the store takes; -1 when the system does not
 * say. */
int64_t main_data_free(const struct service *service);
int64_t main_data_size(const struct service *service);

#endif
