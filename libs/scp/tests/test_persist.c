#include "libs/scp/persist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A pipe that holds `bytes` and then ends. */
static int pipe_of(struct str bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(ends[1]);
    return ends[0];
}

static enum fault_code read_one(struct str bytes, struct persist_packet *out, bool *out_end,
                                struct fault *fault)
{
    struct persist_reader reader;
    persist_reader_init(&reader, pipe_of(bytes));
    enum fault_code code = persist_read(&reader, out, out_end, fault);
    close(reader.fd);
    persist_reader_done(&reader);
    return code;
}

static void persist_read__gives_requests_until_the_stream_ends(void **state)
{
    (void)state;
    struct persist_reader reader;
    struct persist_packet packet;
    struct fault fault;
    bool end;
    /* The published example, a stray line end, and a request without a command. */
    struct str two = STR("\x07"
                         "1\n5\nx.bin0\n16\n{\"method\":\"GET\"}"
                         "\n\x06"
                         "2\n{}");
    persist_reader_init(&reader, pipe_of(two));
    assert_int_equal(persist_read(&reader, &packet, &end, &fault), FAULT_NONE);
    assert_false(end);
    assert_int_equal(packet.opcode, PERSIST_INIT | PERSIST_BLOCK | PERSIST_END);
    assert_true(str_equal(packet.block, STR("{\"method\":\"GET\"}")));
    assert_int_equal(persist_read(&reader, &packet, &end, &fault), FAULT_NONE);
    assert_true(str_equal(packet.block, STR("{}")));
    assert_int_equal(persist_read(&reader, &packet, &end, &fault), FAULT_NONE);
    assert_true(end);
    close(reader.fd);
    persist_reader_done(&reader);
}

static void persist_read__says_where_a_request_was_cut(void **state)
{
    (void)state;
    struct str whole = STR("\x0f"
                           "2\n5\nx.bin3\none4\nargs16\n{\"method\":\"GET\"}");
    struct persist_packet packet;
    struct fault fault;
    bool end = false;
    assert_int_equal(read_one(whole, &packet, &end, &fault), FAULT_NONE);
    for (size_t len = 1; len < whole.len; len++) {
        assert_int_equal(read_one(str_take(whole, len), &packet, &end, &fault), FAULT_INPUT);
        assert_non_null(strstr(fault.text, "the input ends within "));
        assert_false(end);
    }
}

static void persist_read__refuses_what_splunkd_never_sends(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        enum fault_code code;
        const char *says;
    } cases[] = {
        {{"\x10", 1}, FAULT_INPUT, "unknown opcode 0x10"},
        {{"G", 1}, FAULT_INPUT, "unknown opcode 0x47"},
        {{"\x03"
          "0\n0\n2\n{}",
          9},
         FAULT_INPUT,
         "must not set stream = true"},
        {{"\x06"
          "x\n",
          3},
         FAULT_INPUT,
         "the size of the block of a request is no number"},
        {{"\x06"
          "\n",
          2},
         FAULT_INPUT,
         "no number on a line"},
        {{"\x06"
          "-1\n",
          4},
         FAULT_INPUT,
         "no number on a line"},
        {{"\x06"
          "00000000001\n",
          13},
         FAULT_INPUT,
         "no number on a line"},
        {{"\x06"
          "1048577\n",
          9},
         FAULT_LIMIT,
         "the size of the block of a request is 1048577, at most 1048576 is allowed"},
        {{"\x07"
          "65\n",
          4},
         FAULT_LIMIT,
         "the number of words of a request is 65, at most 64"},
        {{"\x07"
          "1\n65537\n",
          9},
         FAULT_LIMIT,
         "a word of a request is 65537"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct persist_packet packet;
        struct fault fault;
        bool end;
        assert_int_equal(read_one(cases[i].bytes, &packet, &end, &fault), cases[i].code);
        assert_non_null(strstr(fault.text, cases[i].says));
    }
}

static void persist_read__takes_no_more_memory_than_bytes_came(void **state)
{
    (void)state;
    struct persist_reader reader;
    struct persist_packet packet;
    struct fault fault;
    bool end;
    persist_reader_init(&reader, pipe_of(STR("\x06"
                                             "1000000\nabc")));
    assert_int_equal(persist_read(&reader, &packet, &end, &fault), FAULT_INPUT);
    assert_true(reader.block.room <= 256 << 10);
    close(reader.fd);
    persist_reader_done(&reader);
}

static void persist_reader__forgets_a_request_with_the_next_one(void **state)
{
    (void)state;
    struct persist_reader reader;
    struct persist_packet packet;
    struct fault fault;
    bool end;
    persist_reader_init(&reader, pipe_of(STR("\x06"
                                             "6\nsecret\x04")));
    assert_int_equal(persist_read(&reader, &packet, &end, &fault), FAULT_NONE);
    const char *where = packet.block.ptr;
    assert_memory_equal(where, "secret", 6);
    assert_int_equal(persist_read(&reader, &packet, &end, &fault), FAULT_NONE);
    assert_int_equal(packet.block.len, 0);
    assert_memory_equal(where, "\0\0\0\0\0\0", 6);
    close(reader.fd);
    persist_reader_done(&reader);
}

static void persist_reply_add__counts_its_bytes(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    persist_reply_add(&out, 200, STR("{}"));
    assert_true(str_equal(buf_str(&out), STR("27\n{\"status\":200,\"payload\":{}}")));
    buf_done(&out);
}

static enum fault_code read_call(const char *block, struct arena *arena, struct persist_call *out,
                                 struct fault *fault)
{
    return persist_call_read(arena, str_of(block), out, fault);
}

static void persist_call_read__takes_the_caller_from_the_session_alone(void **state)
{
    (void)state;
    struct arena arena;
    struct persist_call call;
    struct fault fault;
    struct str value;
    bool twice;
    arena_init(&arena, 1 << 20);
    assert_int_equal(
        read_call("{\"method\":\"POST\",\"user\":\"admin\",\"session\":{\"user\":\"o'br\\\"ien "
                  "\\u00fc\",\"authtoken\":\"k^_\"},\"system_authtoken\":\"s\",\"server\":{"
                  "\"rest_uri\":\"https://127.0.0.1:8089\",\"servername\":\"sh1\"},"
                  "\"form\":[[\"user\",\"admin\"],[\"scope\",\"read\"],[\"scope\",\"handoff\"]]}",
                  &arena, &call, &fault),
        FAULT_NONE);
    assert_true(str_equal(call.user, STR("o'br\"ien ü")));
    assert_true(str_equal(call.authtoken, STR("k^_")));
    assert_true(str_equal(call.system_authtoken, STR("s")));
    assert_true(str_equal(call.rest_uri, STR("https://127.0.0.1:8089")));
    assert_true(str_equal(call.server_name, STR("sh1")));
    assert_true(persist_form(&call, "user", &value, &twice));
    assert_false(twice);
    assert_true(persist_form(&call, "scope", &value, &twice));
    assert_true(twice);
    assert_true(str_equal(value, STR("read")));
    assert_false(persist_form(&call, "instance", &value, &twice));
    assert_int_equal(read_call("{}", &arena, &call, &fault), FAULT_NONE);
    assert_int_equal(call.user.len, 0);
    arena_done(&arena);
}

static void persist_call_read__refuses_other_shapes(void **state)
{
    (void)state;
    static const char *const blocks[] = {
        "",
        "[]",
        "{\"method\":1}",
        "{\"session\":{\"user\":[]}}",
        "{\"session\":{\"authtoken\":7}}",
        "{\"system_authtoken\":{}}",
        "{\"form\":{}}",
        "{\"form\":[\"a\"]}",
        "{\"form\":[[\"a\"]]}",
        "{\"form\":[[\"a\",1]]}",
        "{\"form\":[[\"a\",\"b\",\"c\"]]}",
        "{\"session\":{\"user\":\"a\",\"user\":\"b\"}}",
    };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct persist_call call;
        struct fault fault;
        assert_int_equal(read_call(blocks[i], &arena, &call, &fault), FAULT_INPUT);
        assert_int_equal(strncmp(fault.text, "splunkd's request", 17), 0);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(persist_read__gives_requests_until_the_stream_ends),
        cmocka_unit_test(persist_read__says_where_a_request_was_cut),
        cmocka_unit_test(persist_read__refuses_what_splunkd_never_sends),
        cmocka_unit_test(persist_read__takes_no_more_memory_than_bytes_came),
        cmocka_unit_test(persist_reader__forgets_a_request_with_the_next_one),
        cmocka_unit_test(persist_reply_add__counts_its_bytes),
        cmocka_unit_test(persist_call_read__takes_the_caller_from_the_session_alone),
        cmocka_unit_test(persist_call_read__refuses_other_shapes),
    };
    return cmocka_run_group_tests_name("persist", tests, NULL, NULL);
}
