#include "integrations/splunk-app/native/args.h"
#include "integrations/splunk-app/native/command.h"
#include "integrations/splunk-app/native/outbox.h"
#include "integrations/splunk-app/native/settings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-native-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* --- arguments ----------------------------------------------------------------------------- */

static enum fault_code read_args(const char *const *words, struct args *out, struct fault *fault)
{
    static struct scp_getinfo info;
    info = (struct scp_getinfo){0};
    for (; words[info.arg_count]; info.arg_count++)
        info.args[info.arg_count] = str_of(words[info.arg_count]);
    return args_read(&info, out, fault);
}

static void args_read__takes_each_argument_in_any_spelling_of_splunkd(void **state)
{
    (void)state;
    static const char *const words[] = {
        "title=a \"b\"", "fields=src_ip",   "dest, url",      "DryRun", "=",
        "yes",           "maxentities=500", "investigation=", "i-7",    NULL};
    struct args args;
    struct fault fault;
    assert_int_equal(read_args(words, &args, &fault), FAULT_NONE);
    assert_true(str_equal(args.title, STR("a \"b\"")));
    assert_int_equal(args.field_count, 3);
    assert_true(str_equal(args.fields[2], STR("url")));
    assert_true(args.dryrun);
    assert_int_equal(args.max_entities, 500);
    assert_true(str_equal(args.investigation, STR("i-7")));

    struct buf canonical;
    buf_init(&canonical, 1000);
    args_add_canonical(&args, &canonical);
    assert_true(
        str_equal(buf_str(&canonical), STR("ighandoff fields=src_ip,dest,url investigation=\"i-7\" "
                                           "maxentities=500 title=\"a \\\"b\\\"\"")));
    buf_done(&canonical);
}

static void args_read__says_what_is_wrong_and_what_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *told;
    } cases[] = {
        {{"titel=x"}, "there is no argument \"titel\"; did you mean title=<text>?"},
        {{"max_entities=5"}, "did you mean maxentities=<1 to 100000>?"},
        {{"token=igt_secret"}, "there is no argument \"token\""},
        {{"foo"}, "\"foo\" is not name=value"},
        {{"maxentities=0"}, "must be a whole number from 1 to 100000"},
        {{"maxentities=100001"}, "must be a whole number from 1 to 100000"},
        {{"maxentities=-1"}, "must be a whole number from 1 to 100000"},
        {{"dryrun=maybe"}, "dryrun=maybe is neither true nor false"},
        {{"title=a", "title=b"}, "title= is given twice"},
        {{"fields="}, "fields= names no field"},
        {{"title=\xff"}, "title= is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct args args;
        struct fault fault;
        assert_int_equal(read_args(cases[i].words, &args, &fault), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].told))
            fail_msg("%s: %s", cases[i].words[0], fault.text);
        assert_null(strstr(fault.text, "igt_secret"));
    }
}

/* --- settings ------------------------------------------------------------------------------ */

static enum fault_code read_instance(const char *local, struct str instance, struct settings *out,
                                     struct fault *fault)
{
    static struct arena arena;
    struct places places;
    char path[256];
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    snprintf(places.app, sizeof places.app, "%s", folder);
    snprintf(path, sizeof path, "%s/default", folder);
    assert_int_equal(file_make_folder(path, 0700, fault), FAULT_NONE);
    snprintf(path, sizeof path, "%s/local", folder);
    assert_int_equal(file_make_folder(path, 0700, fault), FAULT_NONE);
    snprintf(path, sizeof path, "%s/default/intelgraph.conf", folder);
    assert_int_equal(
        file_replace(path, STR("[instance:default]\nurl=\ntimeout_ms=100\n"), 0600, fault),
        FAULT_NONE);
    snprintf(path, sizeof path, "%s/local/intelgraph.conf", folder);
    assert_int_equal(file_replace(path, str_of(local), 0600, fault), FAULT_NONE);
    enum fault_code code = settings_read(&places, instance, &arena, out, fault);
    if (code != FAULT_NONE)
        arena_done(&arena);
    return code;
}

static enum fault_code read_settings(const char *local, struct settings *out, struct fault *fault)
{
    return read_instance(local, STR(""), out, fault);
}

#define GOOD "[instance:default]\ntenant = acme\ncredential = file:/etc/token\n"

static void settings_read__layers_local_over_default(void **state)
{
    (void)state;
    struct settings settings;
    struct fault fault;
    assert_int_equal(read_settings(GOOD "url = http://127.0.0.1:8460\n[handoff]\n"
                                        "max_entities = 7\n",
                                   &settings, &fault),
                     FAULT_NONE);
    assert_true(str_equal(settings.url, STR("http://127.0.0.1:8460/")));
    assert_int_equal(settings.timeout_ms, 100);
    assert_int_equal(settings.connect_timeout_ms, 3000);
    assert_int_equal(settings.max_entities, 7);
    assert_int_equal(read_settings(GOOD "url = http://127.0.0.1:8460\n", &settings, &fault),
                     FAULT_NONE);
    assert_int_equal(settings.max_entities, 10000);
    remove_folder(state);
}

static void settings_read__names_what_an_admin_must_mend(void **state)
{
    (void)state;
    static const struct {
        const char *local;
        const char *told;
    } cases[] = {
        {GOOD, "IntelGraph is not configured: set url in [instance:default]"},
        {GOOD "url = http://ig.example/\n", "http:// is allowed to this machine only"},
        {GOOD "url = https://ig.example/\nurll = x\n", "did you mean \"url\"?"},
        {GOOD "url = https://ig.example/\ntimeout_ms = 5\n", "a whole number from 100 to 120000"},
        {GOOD "url = https://ig.example/\nverify = false\n", "there is no setting \"verify\""},
        {GOOD "url = https://ig.example/\ncredential = igt_secret\n",
         "must be passwords or file:<path>"},
        {GOOD "url\n", "neither a [stanza] nor key = value"},
        {GOOD "url = https://ig.example/\nauth = sso\n", "auth must be token"},
        {GOOD "url = https://ig.example/\ndisabled = 1\n", "default is disabled"},
        {GOOD "url = https://ig.example/\ndisabled = maybe\n", "is neither true nor false"},
        {GOOD "url = https://ig.example/\n[instanec:lab]\n", "there is no stanza [instanec:lab]"},
        {GOOD "url = https://ig.example/\n[instance:La b]\n", "\"La b\" cannot be an instance's"},
        {GOOD "url = https://ig.example/\n[handoff]\ninstance = lab\n",
         "there is no instance \"lab\" in intelgraph.conf; there is: default"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct fault fault;
        assert_int_equal(read_settings(cases[i].local, &settings, &fault), FAULT_INPUT);
        if (!strstr(fault.text, cases[i].told))
            fail_msg("%zu: %s", i, fault.text);
        assert_null(strstr(fault.text, "igt_secret"));
    }
}

static void settings_read__takes_the_instance_that_is_asked_for(void **state)
{
    static const char *const local = GOOD "url = https://one.example\n"
                                          "[instance:lab]\nurl = https://two.example/\n"
                                          "tenant = test\nca_pem = a\\nb\\nc\ntimeout_ms =\n"
                                          "[instance:bad]\nurll = x\n[handoff]\n";
    char conf[512];
    struct settings settings;
    struct fault fault;
    assert_int_equal(read_instance(local, STR("lab"), &settings, &fault), FAULT_NONE);
    assert_true(str_equal(settings.instance, STR("lab")));
    assert_true(str_equal(settings.url, STR("https://two.example/")));
    assert_true(str_equal(settings.credential, STR("passwords")));
    assert_true(str_equal(settings.ca_pem, STR("a\nb\nc")));
    assert_int_equal(settings.timeout_ms, 20000); /* of the table, not of another instance */
    assert_int_equal(read_instance(local, STR(""), &settings, &fault), FAULT_NONE);
    assert_true(str_equal(settings.url, STR("https://one.example/")));
    snprintf(conf, sizeof conf, "%sinstance = lab\n", local);
    assert_int_equal(read_instance(conf, STR(""), &settings, &fault), FAULT_NONE);
    assert_true(str_equal(settings.tenant, STR("test")));
    assert_int_equal(read_instance(local, STR("lap"), &settings, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "there is no instance \"lap\" in intelgraph.conf; there is: "
                                    "bad, default, lab");
    assert_int_equal(read_instance(local, STR("bad"), &settings, &fault), FAULT_INPUT);
    remove_folder(state);
}

/* --- rows ---------------------------------------------------------------------------------- */

static const char *const added[] = {"x", "y", NULL};

static void add_tag(const void *context, uint32_t tag, struct buf *out)
{
    (void)context;
    buf_addf(out, ",%u,\"t\"", tag);
}

static enum fault_code collect(void *context, struct str bytes, struct fault *fault)
{
    buf_add(context, bytes);
    return buf_check(context, "collected", fault);
}

/* Passes every row of `body` with its number as the tag. */
static enum fault_code pass(struct str body, struct buf *out, struct fault *fault)
{
    struct rows rows;
    struct arena arena;
    struct buf staging;
    struct buf scratch;
    bool more = true;
    arena_init(&arena, 1 << 24);
    buf_init(&staging, 8192);
    buf_init(&scratch, 8192);
    rows_init(&rows, added);
    enum fault_code code = rows_begin(&rows, body, &arena, fault);
    if (code == FAULT_NONE)
        rows_need(&rows, 0);
    for (uint32_t i = 1; code == FAULT_NONE && more; i++) {
        code = rows_next(&rows, &more, fault);
        if (code == FAULT_NONE && more)
            code = rows_keep(&rows, i, fault);
    }
    if (code == FAULT_NONE) {
        size_t size = rows_size(&rows, add_tag, NULL, &scratch);
        code = rows_write(&rows, add_tag, NULL, &staging, collect, out, fault);
        assert_int_equal(out->len, size);
    }
    rows_done(&rows);
    buf_done(&staging);
    buf_done(&scratch);
    arena_done(&arena);
    return code;
}

static void check_pass(struct str body, const char *want)
{
    struct buf out;
    struct fault fault;
    buf_init(&out, 1 << 24);
    enum fault_code code = pass(body, &out, &fault);
    if (code != FAULT_NONE)
        fail_msg("%s", fault.text);
    buf_add_byte(&out, '\0');
    assert_string_equal(out.ptr ? out.ptr : "", want);
    buf_done(&out);
}

static void rows__pass_byte_for_byte_with_cells_added(void **state)
{
    (void)state;
    check_pass(STR("a,\"__mv_a\"\n1,\n\"q,\"\"\nr\",\"$x$;$y$\"\n"),
               "a,\"__mv_a\",\"x\",\"y\"\n1,,1,\"t\"\n\"q,\"\"\nr\",\"$x$;$y$\",2,\"t\"\n");
    check_pass(STR("a,b\n"), "a,b,\"x\",\"y\"\n");
    check_pass(STR(""), "");
    check_pass(STR("a,b\r\n1,2\r\n3,4"), "a,b,\"x\",\"y\"\n1,2,1,\"t\"\n3,4,2,\"t\"\n");
    check_pass(STR("a,b,c\n1\n"), "a,b,c,\"x\",\"y\"\n1,,,1,\"t\"\n");
}

static void rows__let_columns_of_an_earlier_run_give_way(void **state)
{
    (void)state;
    check_pass(STR("a,x,b,y,__mv_a,__mv_x\n1,2,3,4,5,6\n"),
               "a,b,__mv_a,\"x\",\"y\"\n1,3,5,1,\"t\"\n");
    check_pass(STR("x,a\n1,2\n"), "a,\"x\",\"y\"\n2,1,\"t\"\n");
    check_pass(STR("x,y,a\n1,2,3\n"), "a,\"x\",\"y\"\n3,1,\"t\"\n");
}

static void rows_next__refuses_rows_that_are_no_rows_of_this_table(void **state)
{
    (void)state;
    struct buf out;
    struct fault fault;
    buf_init(&out, 1 << 20);
    assert_int_equal(pass(STR("a,b\n1,2\n1,2,3\n"), &out, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "row 2 of a chunk has 3 cells for 2 columns");
    assert_int_equal(pass(STR("a,b\n1,\"2\n"), &out, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "row 1 of a chunk has a quote that is not closed");
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

/* --- outbox -------------------------------------------------------------------------------- */

#define ID "0123456789abcdef0123456789abcdef"

static void fill(struct parcel *parcel, const char *lines)
{
    parcel_init(parcel);
    buf_add_c(&parcel->head, "{\"handoff\":{}}\n");
    buf_add_c(&parcel->lines, lines);
    buf_add_c(&parcel->commit, "{\"commit\":{}}\n");
}

static void outbox__gives_back_what_it_kept(void **state)
{
    (void)state;
    struct parcel parcel;
    struct parcel again;
    struct arena arena;
    struct fault fault;
    struct str *ids;
    size_t count;
    char outbox[128];
    snprintf(outbox, sizeof outbox, "%s/a/outbox", folder);
    arena_init(&arena, 1 << 20);
    fill(&parcel, "{\"entity\":{}}\n{\"entity\":{}}\n");
    assert_int_equal(outbox_list(outbox, &arena, &ids, &count, &fault), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_int_equal(outbox_keep(outbox, STR(ID), &parcel, 1 << 20, &fault), FAULT_NONE);
    assert_int_equal(outbox_keep(outbox, STR(ID), &parcel, 1 << 20, &fault), FAULT_NONE);
    assert_int_equal(outbox_list(outbox, &arena, &ids, &count, &fault), FAULT_NONE);
    assert_int_equal(count, 1);
    assert_true(str_equal(ids[0], STR(ID)));
    parcel_init(&again);
    assert_int_equal(outbox_load(outbox, ids[0], &again, &fault), FAULT_NONE);
    assert_true(str_equal(buf_str(&again.head), buf_str(&parcel.head)));
    assert_true(str_equal(buf_str(&again.lines), buf_str(&parcel.lines)));
    assert_true(str_equal(buf_str(&again.commit), buf_str(&parcel.commit)));
    outbox_refuse(outbox, STR(ID));
    assert_int_equal(outbox_list(outbox, &arena, &ids, &count, &fault), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_int_equal(outbox_load(outbox, STR(ID), &again, &fault), FAULT_NOT_FOUND);
    parcel_done(&parcel);
    parcel_done(&again);
    arena_done(&arena);
}

static void outbox_head__tells_whose_a_hand_off_is_without_the_rest(void **state)
{
    (void)state;
    struct parcel parcel;
    struct arena arena;
    struct fault fault;
    struct wire_handoff head;
    char id[WIRE_ID_HEX + 1];
    char path[PATH_MAX];
    arena_init(&arena, 8 << 20);
    assert_int_equal(wire_handoff_id(STR("acme"), STR("1.2"), STR("ighandoff"),
                                     STR("https://ig.example/"), id, &fault),
                     FAULT_NONE);
    struct wire_handoff sent = {.id = str_of(id),
                                .tenant = STR("acme"),
                                .sid = STR("1.2"),
                                .command = STR("ighandoff"),
                                .target = STR("https://ig.example/"),
                                .user = STR("mara"),
                                .parts = 1};
    parcel_init(&parcel);
    wire_add_handoff(&parcel.head, &sent);
    for (int i = 0; i < 100000; i++)
        buf_addf(&parcel.lines, "{\"entity\":{\"value\":\"%d\"}}\n", i * 7919);
    buf_add_c(&parcel.commit, "{\"commit\":{}}\n");
    assert_int_equal(outbox_keep(folder, str_of(id), &parcel, 1 << 24, &fault), FAULT_NONE);
    assert_int_equal(outbox_head(folder, str_of(id), &arena, &head, &fault), FAULT_NONE);
    assert_true(str_equal(head.user, STR("mara")));
    assert_true(str_equal(head.target, STR("https://ig.example/")));
    assert_int_equal(outbox_head(folder, STR(ID), &arena, &head, &fault), FAULT_NOT_FOUND);
    snprintf(path, sizeof path, "%s/" ID ".ndjson.gz", folder);
    assert_int_equal(file_replace(path, STR("no gzip"), 0600, &fault), FAULT_NONE);
    assert_int_equal(outbox_head(folder, STR(ID), &arena, &head, &fault), FAULT_INPUT);
    parcel_done(&parcel);
    arena_done(&arena);
}

static void outbox_sweep__removes_old_halves_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool old;
        bool stays;
    } files[] = {
        {ID ".ndjson.gz.0123456789abcdef.tmp", true, false},
        {"refused/" ID ".ndjson.gz.0123456789abcdef.tmp", true, false},
        {ID ".ndjson.gz.fedcba9876543210.tmp", false, true}, /* somebody writes it now */
        {ID ".ndjson.gz", true, true},
        {"notes.tmp", true, true},
        {ID ".tmp", true, true},
    };
    struct fault fault;
    char path[256];
    snprintf(path, sizeof path, "%s/refused", folder);
    assert_int_equal(file_make_folder(path, 0700, &fault), FAULT_NONE);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        static const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        assert_int_equal(file_replace(path, STR("x"), 0600, &fault), FAULT_NONE);
        assert_int_equal(files[i].old ? utimensat(AT_FDCWD, path, old, 0) : 0, 0);
    }
    outbox_sweep(folder);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        if ((access(path, F_OK) == 0) != files[i].stays)
            fail_msg("%s", files[i].name);
    }
    snprintf(path, sizeof path, "%s/none", folder);
    outbox_sweep(path);
}

static void outbox_keep__refuses_more_than_the_admin_allows(void **state)
{
    (void)state;
    struct parcel parcel;
    struct fault fault;
    fill(&parcel, "");
    assert_int_equal(outbox_keep(folder, STR(ID), &parcel, 10, &fault), FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "outbox_max_mb"));
    parcel_done(&parcel);
}

static void parcel__is_cut_into_parts_at_line_ends(void **state)
{
    (void)state;
    struct parcel parcel;
    size_t total = 0;
    fill(&parcel, "");
    assert_int_equal(parcel_part_count(&parcel), 1);
    for (int i = 0; i < 300000; i++)
        buf_addf(&parcel.lines, "{\"entity\":{\"value\":\"%d\"}}\n", i);
    size_t count = parcel_part_count(&parcel);
    assert_true(count > 1);
    for (size_t i = 1; i <= count; i++) {
        struct str part = parcel_part(&parcel, i);
        assert_true(part.len <= PARCEL_PART_BYTES);
        assert_true(str_starts(part, STR("{\"entity\":")));
        assert_true(str_ends(part, STR("}\n")));
        total += part.len;
    }
    assert_int_equal(total, parcel.lines.len);
    parcel_done(&parcel);
}

/* --- messages ------------------------------------------------------------------------------ */

static void command_say__keeps_one_of_two_same_messages(void **state)
{
    (void)state;
    struct command_messages messages = {0};
    command_say(&messages, COMMAND_INFO, "a %d", 1);
    command_say(&messages, COMMAND_WARN, "a %d", 1);
    command_say(&messages, COMMAND_WARN, "a %d", 2);
    assert_int_equal(messages.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(args_read__takes_each_argument_in_any_spelling_of_splunkd),
        cmocka_unit_test(args_read__says_what_is_wrong_and_what_was_meant),
        cmocka_unit_test_setup_teardown(settings_read__layers_local_over_default, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(settings_read__names_what_an_admin_must_mend, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(settings_read__takes_the_instance_that_is_asked_for,
                                        make_folder, remove_folder),
        cmocka_unit_test(rows__pass_byte_for_byte_with_cells_added),
        cmocka_unit_test(rows__let_columns_of_an_earlier_run_give_way),
        cmocka_unit_test(rows_next__refuses_rows_that_are_no_rows_of_this_table),
        cmocka_unit_test_setup_teardown(outbox__gives_back_what_it_kept, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(outbox_head__tells_whose_a_hand_off_is_without_the_rest,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(outbox_sweep__removes_old_halves_and_nothing_else,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(outbox_keep__refuses_more_than_the_admin_allows,
                                        make_folder, remove_folder),
        cmocka_unit_test(parcel__is_cut_into_parts_at_line_ends),
        cmocka_unit_test(command_say__keeps_one_of_two_same_messages),
    };
    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
