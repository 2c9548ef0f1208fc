/* Landlock: of all files, those in the data folder; of the network, what is open already.
 *
 * The kernel's interface is used as it is (docs.kernel.org/userspace-api/landlock.html): the C
 * library wraps none of it, and the constants of later kernels are not in every system's headers.
 */
#include "service/main/main_cage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libs/core/os.h"

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2, DNS_PORT = 53 };

enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_REG = 1 << 8,
    FS_ALL_1 = (1 << 13) - 1,       /* also the other kinds of files made */
    FS_REFER = 1 << 13,             /* since version 2 */
    FS_TRUNCATE = 1 << 14,          /* 3 */
    FS_IOCTL_DEV = 1 << 15,         /* 5 */
    NET_BIND_TCP = 1 << 0,          /* 4 */
    NET_CONNECT_TCP = 1 << 1,       /* 4 */
    SCOPE_ABSTRACT_SOCKET = 1 << 0, /* 6 */
    SCOPE_SIGNAL = 1 << 1,          /* 6 */
};

/* What SQLite does in its folder. */
enum {
    FS_NEEDED =
        FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_MAKE_REG | FS_REMOVE_FILE | FS_TRUNCATE,
};

/* Kernels take a longer struct than they know only if the rest of it is zero. */
struct ruleset {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

struct port_rule {
    uint64_t allowed;
    uint64_t port;
};

static struct ruleset all_of(long version)
{
    struct ruleset rules = {.fs = FS_ALL_1};
    if (version >= 2)
        rules.fs |= FS_REFER;
    if (version >= 3)
        rules.fs |= FS_TRUNCATE;
    if (version >= 4)
        rules.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (version >= 5)
        rules.fs |= FS_IOCTL_DEV;
    if (version >= 6)
        rules.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
    return rules;
}

/* To a port, not to a host: the kernel knows no more. */
static int allow_port(int ruleset, const struct ruleset *rules, int port)
{
    const struct port_rule rule = {.allowed = NET_CONNECT_TCP, .port = (uint64_t)port};
    if (port <= 0 || !(rules->net & NET_CONNECT_TCP))
        return 0;
    return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0);
}

/* What a name is looked up with: changed and replaced while the service runs, so whole folders. */
static const char *const resolver_folders[] = {"/etc", "/run/systemd/resolve", "/run/resolvconf",
                                               "/run/NetworkManager"};

static int allow_reading(int ruleset, const struct ruleset *rules, const char *folder)
{
    int inside = os_open(folder, O_PATH | O_CLOEXEC, 0);
    const struct path_rule rule = {.allowed = FS_READ_FILE & rules->fs, .folder = inside};
    if (inside < 0)
        return errno == ENOENT ? 0 : -1;
    int result = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    os_close(inside);
    return result;
}

int main_cage_courier_files(const int *ports, int count)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    if (version < 1)
        return errno;
    struct ruleset rules = all_of(version);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd < 0)
        return errno;
    int result = allow_port(fd, &rules, DNS_PORT);
    for (int i = 0; i < count && result == 0; i++)
        result = allow_port(fd, &rules, ports[i]);
    for (size_t i = 0; i < sizeof resolver_folders / sizeof resolver_folders[0] && result == 0; i++)
        result = allow_reading(fd, &rules, resolver_folders[i]);
    if (result == 0)
        result = (int)syscall(SYS_landlock_restrict_self, fd, 0);
    int error = result == 0 ? 0 : errno;
    os_close(fd);
    return error;
}

int main_cage_files(const char *folder, int port)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    if (version < 1)
        return errno;
    struct ruleset rules = all_of(version);
    int error = 0;
    int inside = -1;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd < 0)
        return errno;
    inside = os_open(folder, O_PATH | O_CLOEXEC, 0);
    struct path_rule rule = {.allowed = FS_NEEDED & rules.fs, .folder = inside};
    if (inside < 0 || syscall(SYS_landlock_add_rule, fd, RULE_PATH_BENEATH, &rule, 0) != 0 ||
        allow_port(fd, &rules, port) != 0 || syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        error = errno;
    if (inside >= 0)
        os_close(inside);
    os_close(fd);
    return error;
}
