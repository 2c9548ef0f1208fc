/* Outside libraries that the search command maps when it first uses them, not when it starts.
 *
 * splunkd starts the command for every search that names it, often only to ask getinfo; libcurl
 * with the 28 libraries behind it costs 3 to 4 ms there, libcrypto 0.6 ms, and most starts need
 * neither. This room defines the functions that libs/http and libs/crypto call, under their own
 * names; each finds the real one at its first call. A program links this room's objects to load
 * late, or the libraries to load at its start; the callers are the same. For programs in
 * which one thread alone calls them. */
#ifndef IG_LATE_LATE_H
#define IG_LATE_LATE_H

struct late_library {
    const char *file; /* as the dynamic linker looks it up, e.g. "libcurl.so.4" */
    void *handle;
};

/* The function `name`, mapping the library if this is its first; NULL when the library is not there
 * or lacks it. Never unmaps. */
void *late_find(struct late_library *library, const char *name);

/* In a function that stands for a library's: `real` is that one, or NULL. */
#define LATE_REAL(library, name)                                                                   \
    static __typeof__(&(name)) real;                                                               \
    if (!real)                                                                                     \
    real = (__typeof__(&(name)))late_find(&(library), #name)

#endif
