/* What went wrong, told once: a code for the program, a sentence for the person.
 *
 * A function that can fail returns the code and takes the caller's `struct fault` last. On success
 * the fault is not touched. On failure outputs are not touched and the fault holds one sentence
 * that names the thing, the limit and the cure. Only main, routes and command runners print or log
 * it. */
#ifndef IG_CORE_FAULT_H
#define IG_CORE_FAULT_H

#define MUST_USE                         __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

enum fault_code {
    FAULT_NONE = 0,
    FAULT_INPUT,       /* what was given is wrong: the sender must change it */
    FAULT_LIMIT,       /* right in form, but more than a stated limit allows */
    FAULT_UNSIGNED,    /* no credential, or one that does not hold (wrong, expired, revoked) */
    FAULT_DENIED,      /* a good credential that may not do this */
    FAULT_NOT_FOUND,   /* no such thing, or none that this caller may know of */
    FAULT_CONFLICT,    /* another state than the request assumes */
    FAULT_UNAVAILABLE, /* may well work later: peer down, busy, throttled */
    FAULT_NO_MEMORY,
    FAULT_IO,      /* the operating system refused: disk full, no permission, broken pipe */
    FAULT_CORRUPT, /* stored data does not say what it must */
};

enum { FAULT_FIELD_MAX = 64, FAULT_TEXT_MAX = 512 };

struct fault {
    enum fault_code code;
    char field[FAULT_FIELD_MAX]; /* the input's field, argument or setting at fault; "" if none */
    char text[FAULT_TEXT_MAX];   /* one sentence, cut at the end if too long */
};

/* Sets `fault` and returns `code`, so that a failing line reads `return fault_set(fault, ...)`. */
enum fault_code fault_set(struct fault *fault, enum fault_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same, naming the field at fault. */
enum fault_code fault_field(struct fault *fault, enum fault_code code, const char *field,
                            const char *format, ...) PRINTF_LIKE(4, 5);

/* As fault_set, ending the sentence with the reason that errno `error` stands for. */
enum fault_code fault_errno(struct fault *fault, int error, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Puts a context before the sentence that is there ("line 3: ..."); returns the fault's code. */
enum fault_code fault_prefix(struct fault *fault, const char *format, ...) PRINTF_LIKE(2, 3);

#ifdef __clang_analyzer__
/* The analyser sees one file at a time; here it learns that none of them gives FAULT_NONE. */
#define fault_set(...)    (fault_set(__VA_ARGS__) ?: FAULT_CORRUPT)
#define fault_field(...)  (fault_field(__VA_ARGS__) ?: FAULT_CORRUPT)
#define fault_errno(...)  (fault_errno(__VA_ARGS__) ?: FAULT_CORRUPT)
#define fault_prefix(...) (fault_prefix(__VA_ARGS__) ?: FAULT_CORRUPT)
#endif

#endif
