#include "integrations/splunk-app/native/settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ig-settings-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_read__layers_local_over_default, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(settings_read__names_what_an_admin_must_mend, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(settings_read__takes_the_instance_that_is_asked_for,
                                        make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
