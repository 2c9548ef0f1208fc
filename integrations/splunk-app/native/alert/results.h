/* A search's results as splunkd keeps them for alert actions: CSV in gzip, read block by block.
 *
 * Memory is bounded by RESULTS_ROW_MAX, not by the file: each block is the header line and whole
 * rows behind it, as `rows` takes them. Where the bytes come from is handed in. */
#ifndef IG_NATIVE_RESULTS_H
#define IG_NATIVE_RESULTS_H

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum {
    RESULTS_BLOCK_BYTES = 1 << 20, /* a block is given once so much is there */
    RESULTS_HEADER_MAX = 1 << 20,
    RESULTS_ROW_MAX = 64 << 20, /* bytes of one row, and of all that is held */
};
#define RESULTS_BYTES_MAX (4LL << 30) /* of the file, decompressed */

/* Writes at most `room` bytes; *out_len is 0 at the end. */
typedef enum fault_code results_source(void *context, char *out, size_t room, size_t *out_len,
                                       struct fault *fault);

struct gunzip;

struct results {
    results_source *source;
    void *context;
    struct gunzip *gunzip;
    struct buf text;    /* the header line, rows, and the part of a row that is there */
    size_t header;      /* bytes of the header line; 0 while it is not whole */
    size_t given;       /* bytes of text that were the last block */
    size_t scanned;     /* bytes of text looked at for line ends */
    size_t rows_end;    /* behind the last line end outside quotes; 0: none yet */
    bool quoted;        /* at `scanned`, within quotes */
    bool started;       /* there are compressed bytes */
    bool source_ended;  /* no more of them */
    bool given_any;     /* a block was given */
    int64_t bytes_read; /* decompressed */
    struct str packed;  /* compressed bytes not yet taken */
    char packed_room[64 << 10];
};

/* The context is borrowed until results_done. */
enum fault_code results_init(struct results *results, results_source *source, void *context,
                             struct fault *fault) MUST_USE;
void results_done(struct results *results);

/* The next block, borrowed until the next call; *out_more is false at the end. Results without a
 * row are one block of the header alone; a file of nothing has no block. FAULT_INPUT for what is
 * not whole and sound gzip or does not begin with a CSV header, FAULT_LIMIT for a bomb, a row or a
 * file over the limits. A quote left open in the last row is for `rows` to find. */
enum fault_code results_next(struct results *results, struct str *out_block, bool *out_more,
                             struct fault *fault) MUST_USE;

#endif
