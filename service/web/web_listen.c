#include "service/web/web_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 512, HOST_MAX = 64 };

static enum fault_code bad_address(struct str listen, const char *why, struct fault *fault)
{
    return fault_field(fault, FAULT_INPUT, "listen",
                       "cannot listen on \"%.*s\": %s; write it as 127.0.0.1:8460 or [::1]:8460",
                       STR_ARG(listen), why);
}

static enum fault_code read_address(struct str listen, struct sockaddr_storage *out,
                                    socklen_t *out_len, struct fault *fault)
{
    size_t colon = listen.len;
    while (colon > 0 && listen.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return bad_address(listen, "it has no port", fault);
    struct str host = str_take(listen, colon - 1);
    uint64_t port;
    if (!str_to_u64(str_skip(listen, colon), 65535, &port))
        return bad_address(listen, "its port is not a number from 0 to 65535", fault);
    if (str_equal_nocase(host, STR("localhost")))
        host = STR("127.0.0.1");
    bool bracketed = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    char text[HOST_MAX];
    if (!str_to_c(bracketed ? str_skip(str_take(host, host.len - 1), 1) : host, text, sizeof text))
        return bad_address(listen, "its address is too long", fault);

    struct sockaddr_storage address = {0};
    struct sockaddr_in *ip4 = (struct sockaddr_in *)(void *)&address;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)(void *)&address;
    if (!bracketed && inet_pton(AF_INET, text, &ip4->sin_addr) == 1) {
        ip4->sin_family = AF_INET;
        ip4->sin_port = htons((uint16_t)port);
        *out_len = sizeof *ip4;
    } else if (bracketed && inet_pton(AF_INET6, text, &ip6->sin6_addr) == 1) {
        ip6->sin6_family = AF_INET6;
        ip6->sin6_port = htons((uint16_t)port);
        *out_len = sizeof *ip6;
    } else {
        return bad_address(listen, "its host is not an IP address of this machine", fault);
    }
    *out = address;
    return FAULT_NONE;
}

bool web_listen_is_loopback(struct str listen)
{
    struct sockaddr_storage address;
    socklen_t len;
    struct fault ignored;
    if (read_address(listen, &address, &len, &ignored) != FAULT_NONE)
        return false;
    if (address.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)&address)->sin6_addr);
    return ntohl(((struct sockaddr_in *)(void *)&address)->sin_addr.s_addr) >> 24 == 127;
}

static const char *cure_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program listens there: stop it, or choose another port with --listen";
    case EADDRNOTAVAIL:
        return "this machine has no such address: choose one of its own with --listen";
    case EACCES:
        return "ports below 1024 need a privilege: choose a higher one with --listen";
    default:
        return "choose another address with --listen";
    }
}

static int port_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port)
               : ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

enum fault_code web_listen_open(struct str listen_at, int *out_fd, int *out_port,
                                struct fault *fault)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    enum fault_code code = read_address(listen_at, &address, &len, fault);
    if (code != FAULT_NONE)
        return code;

    int yes = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fault_errno(fault, errno, "cannot make a socket for %.*s", STR_ARG(listen_at));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes); /* a restart need not wait */
    if (address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)(void *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)(void *)&address, &len) != 0) {
        int error = errno;
        close(fd);
        return fault_errno(fault, error, "cannot listen on %.*s (%s)", STR_ARG(listen_at),
                           cure_of(error));
    }
    *out_fd = fd;
    *out_port = port_of(&address);
    return FAULT_NONE;
}
