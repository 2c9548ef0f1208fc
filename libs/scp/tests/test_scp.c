#include "libs/scp/conf.h"
#include "libs/scp/frame.h"
#include "libs/scp/getinfo.h"
#include "libs/scp/multivalue.h"
#include "libs/scp/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- frames -------------------------------------------------------------------------------- */

/* A pipe that holds `bytes` and then ends. */
static int pipe_of(struct str bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(ends[1]);
    return ends[0];
}

static enum fault_code read_one(struct str bytes, struct scp_request *out, bool *out_end,
                                struct scp_reader *reader, struct fault *fault)
{
    scp_reader_init(reader, pipe_of(bytes));
    return scp_read(reader, out, out_end, fault);
}

static void scp_read__gives_requests_until_the_stream_ends(void **state)
{
    (void)state;
    struct scp_reader reader;
    struct scp_request request;
    struct fault fault;
    bool end;
    struct str two = STR("chunked 1.0,2,3\n{}a\nbchunked 1.0,2,0\n{}");
    assert_int_equal(read_one(two, &request, &end, &reader, &fault), FAULT_NONE);
    assert_true(str_equal(request.metadata, STR("{}")));
    assert_true(str_equal(request.body, STR("a\nb")));
    assert_int_equal(scp_read(&reader, &request, &end, &fault), FAULT_NONE);
    assert_false(end);
    assert_int_equal(request.body.len, 0);
    assert_int_equal(scp_read(&reader, &request, &end, &fault), FAULT_NONE);
    assert_true(end);
    close(reader.fd);
    scp_reader_done(&reader);
}

static void scp_read__says_where_a_stream_was_cut(void **state)
{
    (void)state;
    struct str whole = STR("chunked 1.0,2,3\n{}abc");
    for (size_t len = 1; len < whole.len; len++) {
        struct scp_reader reader;
        struct scp_request request;
        struct fault fault;
        bool end;
        assert_int_equal(read_one(str_take(whole, len), &request, &end, &reader, &fault),
                         FAULT_INPUT);
        assert_non_null(strstr(fault.text, "the input ends within a chunk"));
        close(reader.fd);
        scp_reader_done(&reader);
    }
}

static void scp_header_read__refuses_malformed_and_absurd_headers(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum fault_code code;
    } cases[] = {
        {"chunked 1.0,10,20\n", FAULT_NONE},
        {"chunked 1.0,10,20", FAULT_INPUT},
        {"chunked 2.0,10,20\n", FAULT_INPUT},
        {"chunked 1.0,10\n", FAULT_INPUT},
        {"chunked 1.0,-1,20\n", FAULT_INPUT},
        {"chunked 1.0,1,2,3\n", FAULT_INPUT},
        {"chunked 1.0,,\n", FAULT_INPUT},
        {"chunked 1.0,10,99999999999\n", FAULT_LIMIT},
        {"chunked 1.0,99999999999999999999,0\n", FAULT_INPUT},
        {"splunkVersion:8\n", FAULT_INPUT},
        {"\n", FAULT_INPUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scp_header header;
        struct fault fault;
        enum fault_code code = scp_header_read(str_of(cases[i].line), &header, &fault);
        if (code != cases[i].code)
            fail_msg("%s gave %d", cases[i].line, (int)code);
    }
}

static void scp_read__takes_no_more_memory_than_bytes_came(void **state)
{
    (void)state;
    struct scp_reader reader;
    struct scp_request request;
    struct fault fault;
    bool end;
    struct str lying = STR("chunked 1.0,2,1073741824\n{}abc");
    assert_int_equal(read_one(lying, &request, &end, &reader, &fault), FAULT_INPUT);
    assert_true(reader.chunk.room <= 4 * SCP_READ_STEP);
    close(reader.fd);
    scp_reader_done(&reader);
}

/* --- getinfo ------------------------------------------------------------------------------- */

static void scp_getinfo_read__accepts_what_splunkd_sends_and_decodes_the_search(void **state)
{
    (void)state;
    struct arena arena;
    struct scp_getinfo info;
    struct fault fault;
    arena_init(&arena, 1 << 20);
    assert_int_equal(
        scp_getinfo_read(&arena,
                         STR("{\"action\":\"getinfo\",\"preview\":true,\"searchinfo\":{"
                             "\"args\":[\"title=a b\",\"dryrun\",\"=\",\"t\",\"x\"],"
                             "\"sid\":\"17.1\",\"username\":\"mara\",\"search\":\"a%20%7c%zz%2\","
                             "\"earliest_time\":\"1627333200\",\"latest_time\":0}}"),
                         &info, &fault),
        FAULT_NONE);
    assert_true(info.preview);
    assert_true(str_equal(info.username, STR("mara")));
    assert_true(str_equal(info.search, STR("a |%zz%2")));
    assert_true(info.earliest_us == 1627333200000000);
    assert_true(info.latest_us == 0);
    assert_int_equal(info.owner.len, 0);

    static const struct scp_arg want[] = {
        {{"title", 5}, {"a b", 3}}, {{"dryrun", 6}, {"t", 1}}, {{"", 0}, {"x", 1}}};
    struct scp_arg arg;
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_true(scp_arg_next(&info, &at, &arg));
        assert_true(str_equal(arg.name, want[i].name));
        assert_true(str_equal(arg.value, want[i].value));
    }
    assert_false(scp_arg_next(&info, &at, &arg));
    arena_done(&arena);
}

static void scp_metadata_read__names_an_unknown_action(void **state)
{
    (void)state;
    struct arena arena;
    struct scp_metadata metadata;
    struct fault fault;
    arena_init(&arena, 1 << 20);
    assert_int_equal(scp_metadata_read(&arena, STR("{\"action\":\"execute\",\"finished\":true}"),
                                       &metadata, &fault),
                     FAULT_NONE);
    assert_true(metadata.finished);
    assert_int_equal(scp_metadata_read(&arena, STR("{\"action\":\"dance\"}"), &metadata, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.text, "the chunk's action \"dance\" is not known");
    assert_int_equal(scp_metadata_read(&arena, STR("[]"), &metadata, &fault), FAULT_INPUT);
    assert_int_equal(scp_metadata_read(&arena, STR("{"), &metadata, &fault), FAULT_INPUT);
    arena_done(&arena);
}

/* --- multivalue ---------------------------------------------------------------------------- */

static void scp_multivalue_next__gives_each_value_with_its_dollars(void **state)
{
    (void)state;
    struct arena arena;
    struct fault fault;
    struct str value;
    bool more;
    arena_init(&arena, 1 << 16);
    struct str rest = STR("$a$;$b$$c$;$$");
    static const char *const want[] = {"a", "b$c", ""};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(scp_multivalue_next(&rest, &arena, &value, &more, &fault), FAULT_NONE);
        assert_true(more);
        assert_true(str_equal(value, str_of(want[i])));
    }
    assert_int_equal(scp_multivalue_next(&rest, &arena, &value, &more, &fault), FAULT_NONE);
    assert_false(more);

    static const char *const bad[] = {"a", "$a", "$a$b", "$a$;", "$a$$", "$a$;b", "$"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum fault_code code = FAULT_NONE;
        rest = str_of(bad[i]);
        do
            code = scp_multivalue_next(&rest, &arena, &value, &more, &fault);
        while (code == FAULT_NONE && more);
        if (code != FAULT_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
    arena_done(&arena);
}

/* --- table --------------------------------------------------------------------------------- */

enum { ROOM = 8 };

static void same_rows(struct str body)
{
    struct scp_table fast;
    struct scp_table simple;
    struct scp_row row;
    struct scp_row want;
    uint32_t ends[ROOM];
    uint32_t want_ends[ROOM];
    scp_table_init(&fast, body);
    scp_table_init(&simple, body);
    while (scp_table_next_simple(&simple, want_ends, ROOM, &want)) {
        assert_true(scp_table_next(&fast, ends, ROOM, &row));
        assert_memory_equal(&row, &want, sizeof row);
        for (uint32_t i = 0; i < row.cell_count && i < ROOM; i++)
            assert_int_equal(ends[i], want_ends[i]);
    }
    assert_false(scp_table_next(&fast, ends, ROOM, &row));
    assert_int_equal(scp_table_is_cut(&fast), scp_table_is_cut(&simple));
}

static void scp_table_next__agrees_with_the_simple_reader_on_random_texts(void **state)
{
    (void)state;
    static const char alphabet[] = "a\",\n\r\0\xff\"";
    char text[300];
    unsigned seed = 12345;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand_r(&seed) % sizeof text;
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
        same_rows((struct str){text, len});
    }
}

static void scp_cell__gives_cells_as_they_stand_and_as_they_read(void **state)
{
    (void)state;
    struct arena arena;
    struct scp_table table;
    struct scp_row row;
    uint32_t ends[ROOM];
    arena_init(&arena, 1 << 16);
    scp_table_init(&table, STR("a,\"b,\"\"x\"\"\nc\",\r\nd\n"));
    assert_true(scp_table_next(&table, ends, ROOM, &row));
    assert_int_equal(row.cell_count, 3);
    assert_true(str_equal(scp_cell(&table, &row, ends, 0), STR("a")));
    struct str cell = scp_cell(&table, &row, ends, 1);
    assert_true(str_equal(cell, STR("\"b,\"\"x\"\"\nc\"")));
    assert_true(str_equal(scp_cell_value(cell, &arena), STR("b,\"x\"\nc")));
    assert_int_equal(scp_cell(&table, &row, ends, 2).len, 0);
    assert_int_equal(scp_cell(&table, &row, ends, 3).len, 0);
    assert_int_equal(table.body.ptr[row.end], '\r');
    assert_true(scp_table_next(&table, ends, ROOM, &row));
    assert_int_equal(row.cell_count, 1);
    assert_false(scp_table_next(&table, ends, ROOM, &row));
    assert_false(scp_table_is_cut(&table));
    arena_done(&arena);
}

static void scp_table_is_cut__sees_a_quote_left_open(void **state)
{
    (void)state;
    struct scp_table table;
    struct scp_row row;
    uint32_t ends[ROOM];
    scp_table_init(&table, STR("a,b\n1,\"2\n3"));
    while (scp_table_next(&table, ends, ROOM, &row))
        ;
    assert_true(scp_table_is_cut(&table));
}

/* --- conf ---------------------------------------------------------------------------------- */

static void scp_conf__layers_as_splunk_does(void **state)
{
    (void)state;
    struct arena arena;
    struct scp_conf conf;
    struct fault fault;
    struct str value;
    arena_init(&arena, 1 << 20);
    scp_conf_init(&conf, &arena);
    assert_int_equal(scp_conf_add(&conf, "default",
                                  STR("# c\n[default]\nx = 1\n[a]\r\nurl = u1\r\nlong = one\\\n"
                                      "two\n"),
                                  &fault),
                     FAULT_NONE);
    assert_int_equal(scp_conf_add(&conf, "local", STR("[a]\nurl= u2 = 3 \n[b]\n"), &fault),
                     FAULT_NONE);
    assert_true(scp_conf_get(&conf, STR("a"), STR("url"), &value));
    assert_true(str_equal(value, STR("u2 = 3")));
    assert_true(scp_conf_get(&conf, STR("a"), STR("long"), &value));
    assert_true(str_equal(value, STR("one\ntwo")));
    assert_true(scp_conf_get(&conf, STR("b"), STR("x"), &value));
    assert_false(scp_conf_get(&conf, STR("b"), STR("url"), &value));
    assert_true(scp_conf_has_stanza(&conf, STR("b")));
    assert_false(scp_conf_has_stanza(&conf, STR("c")));
    arena_done(&arena);
}

static void scp_conf_add__names_file_and_line_of_what_it_cannot_read(void **state)
{
    (void)state;
    struct arena arena;
    struct scp_conf conf;
    struct fault fault;
    arena_init(&arena, 1 << 20);
    scp_conf_init(&conf, &arena);
    assert_int_equal(scp_conf_add(&conf, "local/x.conf", STR("[a]\nurl u\n"), &fault), FAULT_INPUT);
    assert_string_equal(fault.text,
                        "local/x.conf line 2: \"url u\" is neither a [stanza] nor key = value");
    assert_int_equal(scp_conf_add(&conf, "local/x.conf", STR("[a\n"), &fault), FAULT_INPUT);
    assert_int_equal(scp_conf_add(&conf, "local/x.conf", STR("= 3\n"), &fault), FAULT_INPUT);
    assert_int_equal(scp_conf_add_file(&conf, "/nonexistent/x.conf", &fault), FAULT_NONE);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scp_read__gives_requests_until_the_stream_ends),
        cmocka_unit_test(scp_read__says_where_a_stream_was_cut),
        cmocka_unit_test(scp_header_read__refuses_malformed_and_absurd_headers),
        cmocka_unit_test(scp_read__takes_no_more_memory_than_bytes_came),
        cmocka_unit_test(scp_getinfo_read__accepts_what_splunkd_sends_and_decodes_the_search),
        cmocka_unit_test(scp_metadata_read__names_an_unknown_action),
        cmocka_unit_test(scp_multivalue_next__gives_each_value_with_its_dollars),
        cmocka_unit_test(scp_table_next__agrees_with_the_simple_reader_on_random_texts),
        cmocka_unit_test(scp_cell__gives_cells_as_they_stand_and_as_they_read),
        cmocka_unit_test(scp_table_is_cut__sees_a_quote_left_open),
        cmocka_unit_test(scp_conf__layers_as_splunk_does),
        cmocka_unit_test(scp_conf_add__names_file_and_line_of_what_it_cannot_read),
    };
    return cmocka_run_group_tests_name("scp", tests, NULL, NULL);
}
