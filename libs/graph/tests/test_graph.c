#include "libs/graph/graph.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/graph/masked.h"

#define HEX32  "0123456789abcdef0123456789abcdef"
#define HEX40  HEX32 "01234567"
#define SECOND INT64_C(1000000)

static struct graph_mapping *mapping; /* the shipped one, for all tests */
static struct graph *graph;           /* made by setup */
static uint64_t next_row;

static int make_graph(struct graph_limits limits)
{
    struct fault fault;
    next_row = 0;
    return graph_new(mapping, limits, &graph, &fault) == FAULT_NONE ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    return make_graph((struct graph_limits){.entities = 1000, .relations = 5000});
}

static int teardown(void **state)
{
    (void)state;
    graph_free(graph);
    graph = NULL;
    return 0;
}

static size_t field_of(const char *name)
{
    const struct graph_field *field = graph_mapping_find(mapping, str_of(name));
    if (!field)
        fail_msg("the field %s is not mapped", name);
    return (size_t)(field - graph_mapping_at(mapping, 0));
}

struct cell {
    const char *field;
    const char *value;
};

static enum fault_code try_row(int64_t time_us, const char *ref, const struct cell *cells,
                               struct graph_row_counts *out)
{
    struct fault fault;
    struct graph_sample event = {.row = next_row++, .time_us = time_us, .ref = str_of(ref)};
    graph_row_begin(graph, &event);
    for (; cells->field; cells++) {
        enum fault_code code =
            graph_row_add(graph, field_of(cells->field), str_of(cells->value), &fault);
        if (code != FAULT_NONE)
            return code;
    }
    return graph_row_end(graph, out, &fault);
}

static struct graph_row_counts add_row(int64_t time_us, const char *ref, const struct cell *cells)
{
    struct graph_row_counts counts = {0};
    assert_int_equal(try_row(time_us, ref, cells, &counts), FAULT_NONE);
    return counts;
}

#define ROW(...) add_row(GRAPH_NO_TIME, "", (const struct cell[]){__VA_ARGS__, {NULL, NULL}})
#define ROW_AT(time_us, ref, ...)                                                                  \
    add_row((time_us), (ref), (const struct cell[]){__VA_ARGS__, {NULL, NULL}})

/* "ip 10.0.0.1": the place of an entity that must be there. */
static uint32_t place_of(const char *text)
{
    struct str kind;
    struct str value;
    str_cut(str_of(text), ' ', &kind, &value);
    for (size_t i = 0; i < graph_entity_count(graph); i++) {
        const struct graph_entity *entity = graph_entity_at(graph, i);
        if (str_equal(kind, str_of(graph_kind_info(entity->kind)->name)) &&
            str_equal(value, entity->value))
            return (uint32_t)i;
    }
    for (size_t i = 0; i < graph_entity_count(graph); i++)
        print_message("there is %s %.*s\n", graph_kind_info(graph_entity_at(graph, i)->kind)->name,
                      STR_ARG(graph_entity_at(graph, i)->value));
    fail_msg("there is no %s", text);
    return UINT32_MAX;
}

static const struct graph_entity *entity_of(const char *text)
{
    return graph_entity_at(graph, place_of(text));
}

static const struct graph_relation *find_relation(const char *from, const char *type,
                                                  const char *to)
{
    uint32_t from_place = place_of(from);
    uint32_t to_place = place_of(to);
    for (size_t i = 0; i < graph_relation_count(graph); i++) {
        const struct graph_relation *relation = graph_relation_at(graph, i);
        if (relation->from == from_place && relation->to == to_place &&
            strcmp(graph_relation_name(relation->type), type) == 0)
            return relation;
    }
    return NULL;
}

struct triple {
    const char *from;
    const char *type;
    const char *to;
};

/* These relations and no others. */
static void check_relations(const struct triple *wanted)
{
    size_t count = 0;
    for (; wanted[count].from; count++)
        if (!find_relation(wanted[count].from, wanted[count].type, wanted[count].to))
            fail_msg("%s does not %s %s", wanted[count].from, wanted[count].type, wanted[count].to);
    if (graph_relation_count(graph) == count)
        return;
    for (size_t i = 0; i < graph_relation_count(graph); i++) {
        const struct graph_relation *relation = graph_relation_at(graph, i);
        print_message("there is %.*s %s %.*s\n",
                      STR_ARG(graph_entity_at(graph, relation->from)->value),
                      graph_relation_name(relation->type),
                      STR_ARG(graph_entity_at(graph, relation->to)->value));
    }
    fail_msg("%zu relations instead of %zu", graph_relation_count(graph), count);
}

#define RELATIONS(...) check_relations((const struct triple[]){__VA_ARGS__, {NULL, NULL, NULL}})

static void merge__counts_an_entity_once_a_row_however_it_is_spelt(void **state)
{
    (void)state;
    struct graph_row_counts counts =
        ROW({"src_ip", "10.0.0.1"}, {"src", "10.0.0.1:80"}, {"id.orig_h", "::ffff:10.0.0.1"});
    assert_int_equal(counts.entities, 1);
    ROW({"dest_ip", "10.0.0.1"});
    assert_int_equal(graph_entity_count(graph), 1);
    const struct graph_entity *entity = entity_of("ip 10.0.0.1");
    assert_int_equal(entity->count, 2);
    assert_int_equal(entity->field_count, 4);
    assert_int_equal(entity->fields[0], field_of("src_ip"));
    assert_int_equal(entity->fields[3], field_of("dest_ip"));
    ROW({"dst", "10.0.0.1"}); /* a fifth field finds no room */
    assert_int_equal(entity_of("ip 10.0.0.1")->field_count, GRAPH_ENTITY_FIELDS_MAX);
    assert_int_equal(graph_counts(graph).rows, 3);
    assert_int_equal(graph_counts(graph).values, 5);
    assert_int_equal(graph_relation_count(graph), 0); /* none to itself */
}

static void merge__keeps_kinds_with_the_same_text_apart(void **state)
{
    (void)state;
    ROW({"user", "nashua"}, {"ComputerName", "nashua"}, {"Image", "nashua"});
    assert_int_equal(graph_entity_count(graph), 3);
}

static void merge__widens_times_and_keeps_the_first_samples(void **state)
{
    (void)state;
    ROW_AT(5 * SECOND, "1:50", {"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.2"});
    ROW_AT(9 * SECOND, "1:90", {"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.2"});
    ROW_AT(GRAPH_NO_TIME, "", {"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.2"});
    ROW_AT(2 * SECOND, "1:20", {"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.2"});
    const struct graph_relation *relation =
        find_relation("ip 10.0.0.1", "connects-to", "ip 10.0.0.2");
    assert_non_null(relation);
    assert_int_equal(relation->count, 4);
    assert_int_equal(relation->first_us, 2 * SECOND);
    assert_int_equal(relation->last_us, 9 * SECOND);
    assert_int_equal(relation->sample_count, GRAPH_SAMPLES_MAX);
    const struct graph_entity *entity = entity_of("ip 10.0.0.2");
    assert_int_equal(entity->count, 4);
    assert_int_equal(entity->first_us, 2 * SECOND);
    assert_int_equal(entity->last_us, 9 * SECOND);
    assert_int_equal(entity->sample_count, GRAPH_SAMPLES_MAX);
    assert_true(str_equal(entity->samples[1].ref, STR("1:90")));
    assert_int_equal(entity->samples[1].row, 1);
    assert_int_equal(entity->samples[1].time_us, 9 * SECOND);
    assert_int_equal(entity->samples[2].ref.len, 0);
    assert_true(entity->samples[2].time_us == GRAPH_NO_TIME);
}

static void merge__copies_what_it_keeps_and_leaves_out_references_over_the_limit(void **state)
{
    (void)state;
    char ref[GRAPH_REF_MAX + 2];
    char value[] = "alice";
    memset(ref, 'r', sizeof ref);
    ref[GRAPH_REF_MAX + 1] = '\0';
    ROW_AT(0, ref, {"user", "bob"});
    assert_int_equal(entity_of("user bob")->samples[0].ref.len, 0);
    ref[GRAPH_REF_MAX] = '\0';
    ROW_AT(0, ref, {"user", value});
    memset(ref, 'x', GRAPH_REF_MAX);
    memset(value, 'x', 5);
    const struct graph_entity *alice = entity_of("user alice");
    assert_int_equal(alice->samples[0].ref.len, GRAPH_REF_MAX);
    assert_int_equal(alice->samples[0].ref.ptr[0], 'r');
    assert_int_equal(alice->first_us, 0);
}

static void counts__tell_placeholders_and_invalid_values_apart(void **state)
{
    (void)state;
    struct graph_row_counts counts =
        ROW({"src_ip", "-"}, {"dest_ip", "N/A"}, {"user", ""}, {"src_ip", "not an address"},
            {"cve", "log4j"}, {"dest_ip", "10.0.0.1"}, {"md5", "00000000000000000000000000000000"});
    struct graph_counts all = graph_counts(graph);
    assert_int_equal(counts.entities, 1);
    assert_int_equal(counts.left_out, 0);
    assert_int_equal(all.values, 7);
    assert_int_equal(all.placeholders, 4);
    assert_int_equal(all.invalid, 2);
    ROW({"src_ip", "-"}, {"cve", "log4j"}); /* from the memo as well */
    all = graph_counts(graph);
    assert_int_equal(all.placeholders, 5);
    assert_int_equal(all.invalid, 3);
}

static void lists__in_one_cell_are_split_and_other_hashes_passed_over(void **state)
{
    (void)state;
    ROW({"Hashes", "SHA1=" HEX40 ",MD5=0123456789ABCDEF0123456789ABCDEF,IMPHASH=" HEX32});
    assert_int_equal(graph_entity_count(graph), 2);
    place_of("md5 " HEX32);
    place_of("sha1 " HEX40);
    assert_int_equal(graph_counts(graph).values, 2);
    assert_int_equal(graph_counts(graph).invalid, 0);
    ROW({"recipient", "a@example.org; b@example.org;"}, {"cve", "CVE-2021-44228, CVE-2014-0160"},
        {"xff", "10.0.0.1, unknown, bogus"});
    assert_int_equal(graph_entity_count(graph), 7);
    assert_int_equal(graph_counts(graph).invalid, 1);
    assert_int_equal(graph_counts(graph).placeholders, 1);
    ROW({"Image", "C:\\a,b.exe"}); /* a comma in a path is the path's own */
    place_of("process c:\\a,b.exe");
    ROW({"Hashes", "IMPHASH=" HEX32});
    assert_int_equal(graph_counts(graph).invalid, 1);
}

static void brief_spellings__of_a_thing_in_one_row_are_dropped(void **state)
{
    (void)state;
    ROW({"process_name", "CMD.EXE"}, {"process", "\"C:\\Windows\\cmd.exe\" /c x"},
        {"Image", "C:\\Windows\\cmd.exe"}, {"user", "alice"}, {"User", "CORP\\alice"},
        {"ComputerName", "nashua.corp.local"}, {"dvc", "NASHUA"}, {"file_name", "x.txt"},
        {"file_path", "/tmp/x.txt"});
    assert_int_equal(graph_entity_count(graph), 4);
    place_of("process c:\\windows\\cmd.exe");
    place_of("user alice@corp");
    place_of("host nashua.corp.local");
    place_of("file /tmp/x.txt");
    assert_int_equal(graph_counts(graph).values, 9);
    /* but two things are two, and so is one thing in two roles */
    ROW({"process_name", "net.exe"}, {"parent_process_path", "C:\\Windows\\net.exe"},
        {"user", "alic"}, {"User", "CORP\\alice"});
    place_of("process net.exe");
    place_of("user alic");
}

static void limits__are_held_and_what_finds_no_room_is_told(void **state)
{
    (void)state;
    graph_free(graph);
    graph = NULL;
    assert_int_equal(make_graph((struct graph_limits){.entities = 3, .relations = 1}), 0);
    ROW({"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.2"});
    struct graph_row_counts counts =
        ROW({"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.3"}, {"dest_ip", "10.0.0.4"});
    assert_int_equal(counts.entities, 2);
    assert_int_equal(counts.left_out, 1);
    assert_int_equal(graph_entity_count(graph), 3);
    assert_int_equal(graph_relation_count(graph), 1);
    assert_int_equal(graph_counts(graph).entities_left_out, 1);
    assert_int_equal(graph_counts(graph).relations_left_out, 2);
    counts = ROW({"src_ip", "10.9.9.9"}, {"dest_ip", "10.9.9.9"}, {"user", "alice"});
    assert_int_equal(counts.entities, 0);
    assert_int_equal(counts.left_out, 3);
    assert_int_equal(graph_counts(graph).entities_left_out, 4);
    /* alice on 10.9.9.9; not 10.9.9.9 with itself */
    assert_int_equal(graph_counts(graph).relations_left_out, 3);
    ROW({"src_ip", "10.0.0.1"}, {"dest_ip", "10.0.0.2"}); /* what is in still counts */
    assert_int_equal(find_relation("ip 10.0.0.1", "connects-to", "ip 10.0.0.2")->count, 2);
}

static void limits__out_of_their_range_are_refused(void **state)
{
    (void)state;
    const struct graph_limits wrong[] = {{0, 1}, {1, 0}, {1000001, 1}, {1, 4000001}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct graph *none = NULL;
        struct fault fault = {0};
        assert_int_equal(graph_new(mapping, wrong[i], &none, &fault), FAULT_INPUT);
        assert_null(none);
        assert_non_null(strstr(fault.text, "must be from 1 to"));
    }
}

static void rows__of_very_many_values_are_merged_and_their_relations_bounded(void **state)
{
    (void)state;
    enum { SIDE = 100 };
    struct cell cells[2 * SIDE + 1] = {{NULL, NULL}};
    static char texts[2 * SIDE][16];
    for (int i = 0; i < 2 * SIDE; i++) {
        snprintf(texts[i], sizeof texts[i], "10.%d.0.%d", i / SIDE, i % SIDE + 1);
        cells[i] = (struct cell){i < SIDE ? "src_ip" : "dest_ip", texts[i]};
    }
    struct graph_row_counts counts = add_row(0, "", cells);
    assert_int_equal(counts.entities, 2 * SIDE);
    assert_int_equal(graph_relation_count(graph), 4096);
    assert_int_equal(graph_counts(graph).relations_left_out, SIDE * SIDE - 4096);
}

static void growth__keeps_every_entity_and_relation_findable(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    graph_free(graph);
    graph = NULL;
    assert_int_equal(make_graph((struct graph_limits){.entities = 10000, .relations = 10000}), 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            char user[32];
            char address[32];
            snprintf(user, sizeof user, "user%d", i);
            snprintf(address, sizeof address, "10.1.%d.%d", i / 250, i % 250 + 1);
            ROW({"user", user}, {"dest", address});
        }
    }
    assert_int_equal(graph_entity_count(graph), 2 * MANY);
    assert_int_equal(graph_relation_count(graph), MANY);
    for (size_t i = 0; i < 2 * MANY; i++)
        assert_int_equal(graph_entity_at(graph, i)->count, 2);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(graph_relation_at(graph, i)->count, 2);
    assert_int_equal(graph_counts(graph).entities_left_out, 0);
}

static void relations__of_a_proxy_row(void **state)
{
    (void)state;
    ROW({"src", "10.0.0.1"}, {"dest", "www.example.org"}, {"user", "CORP\\alice"},
        {"url", "http://www.example.org/a"}, {"host", "collector"});
    RELATIONS({"ip 10.0.0.1", "connects-to", "domain www.example.org"},
              {"ip 10.0.0.1", "requests", "url http://www.example.org/a"},
              {"user alice@corp", "requests", "url http://www.example.org/a"},
              {"url http://www.example.org/a", "hosted-on", "domain www.example.org"});
    ROW({"url", "http://www.example.org/a"});
    assert_int_equal(entity_of("domain www.example.org")->count, 2);
    assert_int_equal(
        find_relation("url http://www.example.org/a", "hosted-on", "domain www.example.org")->count,
        2);
    ROW({"url", "http://localhost/"}, {"url", "file:///a"}, {"url", "http://[2001:DB8::1]:80/"});
    assert_non_null(find_relation("url http://[2001:db8::1]/", "hosted-on", "ip 2001:db8::1"));
    assert_int_equal(graph_relation_count(graph), 5);
}

static void relations__of_dns_and_tls_rows(void **state)
{
    (void)state;
    ROW({"id.orig_h", "10.0.0.1"}, {"id.resp_h", "10.0.0.4"}, {"query", "WWW.example.org"},
        {"answers", "cdn.example.net"}, {"answers", "192.0.2.7"});
    RELATIONS({"ip 10.0.0.1", "connects-to", "ip 10.0.0.4"},
              {"ip 10.0.0.1", "queries", "domain www.example.org"},
              {"domain www.example.org", "resolves-to", "domain cdn.example.net"},
              {"domain www.example.org", "resolves-to", "ip 192.0.2.7"});
    teardown(NULL);
    setup(NULL);
    ROW({"src_ip", "10.0.0.1"}, {"dest_ip", "192.0.2.7"}, {"server_name", "www.example.org"},
        {"ja3", HEX32}, {"ssl_hash", HEX40}, {"src_mac", "000d3a13e369"},
        {"dest_mac", "000d3a13e370"});
    RELATIONS({"ip 10.0.0.1", "connects-to", "ip 192.0.2.7"},
              {"ip 10.0.0.1", "connects-to", "domain www.example.org"},
              {"ip 10.0.0.1", "uses", "ja3 " HEX32},
              {"ip 10.0.0.1", "uses", "mac 00:0d:3a:13:e3:69"},
              {"ip 192.0.2.7", "presents", "certificate " HEX40},
              {"domain www.example.org", "presents", "certificate " HEX40});
}

static void relations__of_a_process_row(void **state)
{
    (void)state;
    ROW({"Image", "C:\\cmd.exe"}, {"ParentImage", "C:\\explorer.exe"}, {"User", "CORP\\alice"},
        {"Computer", "nashua"}, {"Hashes", "MD5=" HEX32}, {"host", "collector"});
    RELATIONS({"process c:\\explorer.exe", "starts", "process c:\\cmd.exe"},
              {"user alice@corp", "runs", "process c:\\cmd.exe"},
              {"process c:\\cmd.exe", "runs-on", "host nashua"},
              {"process c:\\cmd.exe", "has-hash", "md5 " HEX32},
              {"md5 " HEX32, "found-on", "host nashua"});
}

static void relations__of_a_row_that_names_no_device_are_the_reporters(void **state)
{
    (void)state;
    ROW({"process_path", "/bin/sh"}, {"host", "web01"});
    RELATIONS({"process /bin/sh", "runs-on", "host web01"});
    ROW({"user", "alice"}, {"src_ip", "10.0.0.1"}, {"host", "collector"}, {"md5", HEX32});
    assert_null(find_relation("user alice", "logs-on-to", "host collector"));
    assert_null(find_relation("md5 " HEX32, "found-on", "host collector"));
}

static void relations__of_file_registry_and_library_rows(void **state)
{
    (void)state;
    ROW({"Image", "C:\\a.exe"}, {"TargetFilename", "C:\\b.txt"}, {"sha1", HEX40},
        {"dest", "nashua"});
    RELATIONS({"process c:\\a.exe", "writes", "file c:\\b.txt"},
              {"process c:\\a.exe", "writes", "sha1 " HEX40},
              {"file c:\\b.txt", "has-hash", "sha1 " HEX40},
              {"process c:\\a.exe", "runs-on", "host nashua"},
              {"file c:\\b.txt", "found-on", "host nashua"},
              {"sha1 " HEX40, "found-on", "host nashua"});
    teardown(NULL);
    setup(NULL);
    ROW({"Image", "C:\\a.exe"}, {"ImageLoaded", "C:\\c.dll"}, {"md5", HEX32});
    RELATIONS({"process c:\\a.exe", "uses", "file c:\\c.dll"},
              {"file c:\\c.dll", "has-hash", "md5 " HEX32});
    teardown(NULL);
    setup(NULL);
    ROW({"Image", "C:\\a.exe"}, {"TargetObject", "HKLM\\Run"}, {"Computer", "nashua"});
    RELATIONS({"process c:\\a.exe", "writes", "registry-key HKLM\\run"},
              {"process c:\\a.exe", "runs-on", "host nashua"},
              {"registry-key HKLM\\run", "found-on", "host nashua"});
    teardown(NULL);
    setup(NULL);
    ROW({"id.orig_h", "10.0.0.1"}, {"id.resp_h", "192.0.2.7"}, {"md5", HEX32});
    RELATIONS({"ip 10.0.0.1", "connects-to", "ip 192.0.2.7"},
              {"md5 " HEX32, "found-on", "ip 10.0.0.1"},
              {"md5 " HEX32, "found-on", "ip 192.0.2.7"});
}

static void relations__of_a_process_that_connects_or_queries(void **state)
{
    (void)state;
    ROW({"Image", "C:\\a.exe"}, {"SourceIp", "10.0.0.1"}, {"DestinationIp", "192.0.2.7"},
        {"Computer", "nashua"}, {"User", "alice"});
    RELATIONS({"ip 10.0.0.1", "connects-to", "ip 192.0.2.7"},
              {"process c:\\a.exe", "connects-to", "ip 192.0.2.7"},
              {"process c:\\a.exe", "runs-on", "host nashua"},
              {"user alice", "runs", "process c:\\a.exe"});
    teardown(NULL);
    setup(NULL);
    ROW({"Image", "C:\\a.exe"}, {"QueryName", "www.example.org"}, {"Computer", "nashua"});
    RELATIONS({"process c:\\a.exe", "queries", "domain www.example.org"},
              {"host nashua", "queries", "domain www.example.org"},
              {"process c:\\a.exe", "runs-on", "host nashua"});
}

static void relations__of_a_logon_are_to_machines_and_not_to_the_internet(void **state)
{
    (void)state;
    ROW({"user", "alice"}, {"src", "10.0.0.1"}, {"dest", "nashua"});
    RELATIONS({"user alice", "logs-on-to", "host nashua"},
              {"ip 10.0.0.1", "connects-to", "host nashua"});
    teardown(NULL);
    setup(NULL);
    ROW({"user", "alice"}, {"src", "10.0.0.1"}, {"dest", "192.0.2.7"}, {"dvc", "firewall"});
    RELATIONS({"ip 10.0.0.1", "connects-to", "ip 192.0.2.7"});
    teardown(NULL);
    setup(NULL);
    ROW({"TargetUserName", "alice"}, {"SubjectUserName", "NASHUA$"}, {"IpAddress", "10.0.0.1"},
        {"Computer", "nashua"});
    RELATIONS({"user alice", "logs-on-to", "host nashua"});
    teardown(NULL);
    setup(NULL);
    ROW({"src_user", "alice"}, {"src_ip", "10.0.0.1"}, {"dest_ip", "192.0.2.7"});
    RELATIONS({"user alice", "logs-on-to", "ip 10.0.0.1"},
              {"ip 10.0.0.1", "connects-to", "ip 192.0.2.7"});
    teardown(NULL);
    setup(NULL);
    ROW({"src_user", "alice"}, {"process_path", "/bin/sh"});
    RELATIONS({"user alice", "runs", "process /bin/sh"});
}

static void relations__of_mail_vulnerability_and_address_rows(void **state)
{
    (void)state;
    ROW({"src_user", "mara"}, {"src", "192.0.2.7"}, {"sender", "mara@example.org"},
        {"recipient", "bob@example.net"}, {"url", "http://evil.example/"}, {"file_hash", HEX32});
    RELATIONS({"email mara@example.org", "sends-mail-to", "email bob@example.net"},
              {"email mara@example.org", "contains", "url http://evil.example/"},
              {"email mara@example.org", "contains", "md5 " HEX32},
              {"url http://evil.example/", "hosted-on", "domain evil.example"});
    teardown(NULL);
    setup(NULL);
    ROW({"dest", "nashua"}, {"cve", "CVE-2021-44228"});
    ROW({"dvc", "web01"}, {"cve", "CVE-2021-44228"});
    RELATIONS({"host nashua", "affected-by", "cve CVE-2021-44228"},
              {"host web01", "affected-by", "cve CVE-2021-44228"});
    teardown(NULL);
    setup(NULL);
    ROW({"src", "192.0.2.7"}, {"dest", "10.0.0.4"}, {"cve", "CVE-2021-44228"}); /* an attack */
    RELATIONS({"ip 192.0.2.7", "connects-to", "ip 10.0.0.4"});
    teardown(NULL);
    setup(NULL);
    ROW({"dvc_host", "nashua"}, {"dvc_ip", "10.0.0.4"}, {"dvc_mac", "000d3a13e369"});
    ROW({"src_host", "a"}, {"src_host", "b"}, {"src_ip", "10.0.0.5"}); /* whose is it? */
    ROW({"dest_ip", "10.0.0.6"}, {"dest_mac", "000d3a13e370"});
    RELATIONS({"host nashua", "has-address", "ip 10.0.0.4"},
              {"host nashua", "has-address", "mac 00:0d:3a:13:e3:69"},
              {"ip 10.0.0.6", "uses", "mac 00:0d:3a:13:e3:70"});
}

/* The n-th allocation is refused. */
static int allocations_left;
static int allocations_live;

static void *resize_until_refused(void *ptr, size_t size)
{
    if (size == 0) {
        allocations_live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    if (allocations_left-- <= 0)
        return NULL;
    allocations_live += ptr == NULL;
    return realloc(ptr, size);
}

static const struct cell rich_row[] = {
    {"src", "10.0.0.1"},     {"dest", "www.example.org"},
    {"user", "CORP\\alice"}, {"url", "http://a.example/"},
    {"Image", "C:\\a.exe"},  {"Hashes", "MD5=" HEX32},
    {"user", "alice"},       {NULL, NULL},
};

static void graph__survives_any_refused_allocation_and_may_be_used_on(void **state)
{
    (void)state;
    enum { ENTITIES = 7 }; /* of the rich row, the URL's host among them */
    static struct os_platform broken;
    bool done = false;
    broken = os_posix;
    graph_free(graph);
    graph = NULL;
    broken.resize = resize_until_refused;
    int n = 0;
    for (; n < 200 && !done; n++) {
        struct graph_row_counts counts;
        allocations_live = 0;
        allocations_left = n;
        os_platform_set(&broken);
        bool made = make_graph((struct graph_limits){.entities = 1000, .relations = 1000}) == 0;
        bool row = made && try_row(1, "1:1", rich_row, &counts) == FAULT_NONE;
        if (made) {
            allocations_left = 1000;
            assert_int_equal(try_row(2, "1:2", rich_row, &counts), FAULT_NONE);
            assert_int_equal(counts.entities, ENTITIES);
            assert_int_equal(graph_entity_count(graph), ENTITIES);
            for (size_t i = 0; i < ENTITIES; i++)
                assert_in_range(graph_entity_at(graph, i)->count, 1, 2);
            assert_non_null(find_relation("ip 10.0.0.1", "requests", "url http://a.example/"));
            assert_non_null(
                find_relation("url http://a.example/", "hosted-on", "domain a.example"));
        }
        graph_free(made ? graph : NULL);
        graph = NULL;
        os_platform_set(&os_posix);
        assert_int_equal(allocations_live, 0);
        done = row;
    }
    assert_true(done);
    assert_true(n > 8);
}

static int refuse_random(void *out, size_t len)
{
    (void)out;
    (void)len;
    errno = EIO;
    return -1;
}

/* Lets no host in, keeps users behind one tag, and networks of addresses. */
static enum fault_code mask_some(void *context, size_t field, const struct graph_value *value,
                                 struct str *out, struct fault *fault)
{
    static struct graph_value rooms[64];
    size_t *count = context;
    struct graph_value *room = &rooms[(*count)++ % 64];
    (void)field;
    (void)fault;
    *out = STR("");
    if (value->kind == GRAPH_HOST)
        return FAULT_NONE;
    if (!graph_masked_prefix(value->kind, (struct str){value->text, value->len}, room))
        graph_masked_tag(value->kind, "00000000000000aa", room);
    *out = (struct str){room->text, room->len};
    return FAULT_NONE;
}

static void mask__changes_values_and_leaves_relations_as_they_are(void **state)
{
    (void)state;
    size_t count = 0;
    bool fields[1024] = {false};
    struct graph_mask mask = {.fields = fields, .context = &count, .apply = mask_some};
    fields[field_of("user")] = fields[field_of("src_ip")] = fields[field_of("url")] = true;
    fields[field_of("dest_nt_host")] = true;
    graph_mask_set(graph, &mask);
    ROW({"user", "Alice"}, {"src_ip", "192.0.2.7"}, {"dest_ip", "198.51.100.1"},
        {"url", "http://x.example/secret?a=1"}, {"dest_nt_host", "WEB01"});
    ROW({"user", "ALICE"}, {"src_ip", "192.0.2.8, 192.0.2.9; 192.0.2.7"}, {"user", "-"});
    assert_int_equal(entity_of("masked user:#00000000000000aa")->count, 2);
    assert_int_equal(entity_of("masked ip:192.0.2.0/24")->count, 2);
    assert_non_null(entity_of("masked url:http://x.example/*"));
    assert_non_null(find_relation("masked ip:192.0.2.0/24", "connects-to", "ip 198.51.100.1"));
    assert_non_null(
        find_relation("masked ip:192.0.2.0/24", "requests", "masked url:http://x.example/*"));
    assert_int_equal(graph_entity_count(graph), 4);
    assert_int_equal(graph_counts(graph).masked, 7);
    assert_int_equal(graph_counts(graph).dropped, 1);
    assert_int_equal(graph_counts(graph).placeholders, 1);
    for (size_t i = 0; i < graph_entity_count(graph); i++) {
        struct str value = graph_entity_at(graph, i)->value;
        assert_int_equal(str_find(value, STR("secret")), value.len);
        assert_int_equal(str_find(value, STR("lice")), value.len);
        assert_true(graph_is_normal(graph_entity_at(graph, i)->kind, value));
    }
}

static void graph__is_not_made_without_a_seed(void **state)
{
    (void)state;
    static struct os_platform broken;
    struct graph *none = NULL;
    struct fault fault;
    broken = os_posix;
    broken.random = refuse_random;
    os_platform_set(&broken);
    enum fault_code code =
        graph_new(mapping, (struct graph_limits){.entities = 1, .relations = 1}, &none, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_IO);
    assert_null(none);
}

static int read_mapping(void **state)
{
    struct fault fault;
    (void)state;
    return graph_mapping_read(graph_mapping_default(), &mapping, &fault) == FAULT_NONE ? 0 : -1;
}

static int free_mapping(void **state)
{
    (void)state;
    graph_mapping_free(mapping);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(merge__counts_an_entity_once_a_row_however_it_is_spelt),
        TEST(merge__keeps_kinds_with_the_same_text_apart),
        TEST(merge__widens_times_and_keeps_the_first_samples),
        TEST(merge__copies_what_it_keeps_and_leaves_out_references_over_the_limit),
        TEST(counts__tell_placeholders_and_invalid_values_apart),
        TEST(lists__in_one_cell_are_split_and_other_hashes_passed_over),
        TEST(brief_spellings__of_a_thing_in_one_row_are_dropped),
        TEST(limits__are_held_and_what_finds_no_room_is_told),
        TEST(limits__out_of_their_range_are_refused),
        TEST(rows__of_very_many_values_are_merged_and_their_relations_bounded),
        TEST(growth__keeps_every_entity_and_relation_findable),
        TEST(relations__of_a_proxy_row),
        TEST(relations__of_dns_and_tls_rows),
        TEST(relations__of_a_process_row),
        TEST(relations__of_a_row_that_names_no_device_are_the_reporters),
        TEST(relations__of_file_registry_and_library_rows),
        TEST(relations__of_a_process_that_connects_or_queries),
        TEST(relations__of_a_logon_are_to_machines_and_not_to_the_internet),
        TEST(relations__of_mail_vulnerability_and_address_rows),
        TEST(graph__survives_any_refused_allocation_and_may_be_used_on),
        TEST(mask__changes_values_and_leaves_relations_as_they_are),
        TEST(graph__is_not_made_without_a_seed),
    };
    return cmocka_run_group_tests_name("graph", tests, read_mapping, free_mapping);
}
