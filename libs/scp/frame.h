/* Splunk's chunked search command protocol, version 1.0 (SCP v2): the frames.
 *
 *     chunked 1.0,<metadata bytes>,<body bytes>\n<metadata: JSON><body: CSV>
 *
 * Lengths count bytes; no newline follows metadata or body. Strictly one reply for each request. */
#ifndef IG_SCP_FRAME_H
#define IG_SCP_FRAME_H

#include <stdbool.h>

#include "libs/core/buf.h"
#include "libs/core/fault.h"
#include "libs/core/str.h"

enum {
    SCP_HEADER_MAX = 64,         /* bytes of the first line, its LF included */
    SCP_METADATA_MAX = 16 << 20, /* getinfo carries the search text, percent-encoded */
    SCP_BODY_MAX = 1 << 30,      /* splunkd sends up to 100 MB (max_rawsize_perchunk) */
    SCP_READ_STEP = 1 << 20,
};

struct scp_header {
    size_t metadata_len;
    size_t body_len;
};

/* Reads a first line, its LF included. FAULT_INPUT says what is wrong, FAULT_LIMIT which length is.
 */
enum fault_code scp_header_read(struct str line, struct scp_header *out,
                                struct fault *fault) MUST_USE;
void scp_header_add(struct buf *out, size_t metadata_len, size_t body_len);

/* Requests from a descriptor. One chunk's memory at a time, kept for the next. */
struct scp_reader {
    int fd;
    struct buf chunk; /* header line, metadata and body of the request, and nothing after them */
};

void scp_reader_init(struct scp_reader *reader, int fd);
void scp_reader_done(struct scp_reader *reader);

struct scp_request {
    struct str metadata;
    struct str body; /* both borrowed until the next read */
};

/* Reads a whole request. *out_end when the stream ended between requests; an end within one is
 * FAULT_INPUT. Reads no byte beyond the request. */
enum fault_code scp_read(struct scp_reader *reader, struct scp_request *out, bool *out_end,
                         struct fault *fault) MUST_USE;

#endif
