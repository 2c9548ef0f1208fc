#include "libs/scp/table.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 64 };

void scp_table_init(struct scp_table *table, struct str body)
{
    /* `block` begins one block before the body, with no marks: the first call moves it to 0. */
    *table = (struct scp_table){.body = body, .block = (size_t)-BLOCK};
}

/* One bit for each byte of the block that equals `byte`. */
static inline uint64_t marks_of(const char *block, char byte)
{
#ifdef __SSE2__
    __m128i wanted = _mm_set1_epi8(byte);
    uint64_t marks = 0;
    for (size_t i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
        uint64_t bits = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, wanted));
        marks |= bits << (16 * i);
    }
    return marks;
#else
    uint64_t marks = 0;
    for (int i = 0; i < BLOCK; i++)
        marks |= (uint64_t)(block[i] == byte) << i;
    return marks;
#endif
}

/* Bit i of the result is the parity of bits 0..i: ones from each opening quote up to its closing.
 */
static inline uint64_t prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/* Moves on to the next block and finds its separators. False at the end of the body. */
static inline bool load_block(struct scp_table *table)
{
    char padded[BLOCK];
    size_t at = table->block + BLOCK;
    if (at >= table->body.len)
        return false;
    const char *block = table->body.ptr + at;
    if (table->body.len - at < BLOCK) {
        memset(padded, 0, sizeof padded);
        memcpy(padded, block, table->body.len - at);
        block = padded;
    }
    uint64_t inside = prefix_xor(marks_of(block, '"')) ^ table->quoted;
    table->quoted = 0 - (inside >> 63);
    table->commas = marks_of(block, ',') & ~inside;
    table->newlines = marks_of(block, '\n') & ~inside;
    table->block = at;
    return true;
}

/* Closes the row at `end`, where an LF stands or the body ends. */
static void close_row(struct scp_table *table, uint32_t *out_ends, uint32_t room, uint32_t end,
                      uint32_t next, uint32_t cells, struct scp_row *out_row)
{
    if (end > table->row_start && table->body.ptr[end - 1] == '\r' && next > end)
        end--;
    if (cells < room)
        out_ends[cells] = end;
    *out_row = (struct scp_row){table->row_start, end, next, cells + 1};
    table->row_start = next;
}

bool scp_table_next(struct scp_table *table, uint32_t *out_ends, uint32_t room,
                    struct scp_row *out_row)
{
    uint32_t cells = 0;
    if (table->row_start >= table->body.len)
        return false;
    for (;;) {
        uint64_t line_end = table->newlines & (0 - table->newlines);
        /* The commas of this row in this block: those before the line's end. */
        uint64_t commas = line_end ? table->commas & (line_end - 1) : table->commas;
        uint32_t base = (uint32_t)table->block;
        table->commas ^= commas;
        while (commas && cells < room) {
            out_ends[cells++] = base + (uint32_t)__builtin_ctzll(commas);
            commas &= commas - 1;
        }
        if (commas) /* cells that nobody asked for are counted only */
            cells += (uint32_t)__builtin_popcountll(commas);
        if (line_end) {
            uint32_t end = base + (uint32_t)__builtin_ctzll(line_end);
            table->newlines ^= line_end;
            close_row(table, out_ends, room, end, end + 1, cells, out_row);
            return true;
        }
        if (!load_block(table)) {
            uint32_t end = (uint32_t)table->body.len;
            close_row(table, out_ends, room, end, end, cells, out_row);
            return true;
        }
    }
}

bool scp_table_is_cut(const struct scp_table *table)
{
    return table->quoted != 0;
}

struct str scp_cell(const struct scp_table *table, const struct scp_row *row, const uint32_t *ends,
                    uint32_t index)
{
    if (index >= row->cell_count)
        return STR("");
    uint32_t start = index == 0 ? row->start : ends[index - 1] + 1;
    return (struct str){table->body.ptr + start, ends[index] - start};
}

struct str scp_cell_value(struct str cell, struct arena *arena)
{
    if (cell.len < 2 || cell.ptr[0] != '"' || cell.ptr[cell.len - 1] != '"')
        return cell;
    struct str inner = {cell.ptr + 1, cell.len - 2};
    if (str_find_byte(inner, '"') == inner.len)
        return inner;
    char *copy = arena_alloc(arena, inner.len);
    if (!copy)
        return (struct str){NULL, 0};
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        copy[len++] = inner.ptr[i];
        if (inner.ptr[i] == '"' && i + 1 < inner.len && inner.ptr[i + 1] == '"')
            i++;
    }
    return (struct str){copy, len};
}
