/* What may be dialled: patterns, addresses of this machine and its cloud, and how targets may be spelt. */
#include "loopback.h"

#include "net/target_rules.h"

#define PATTERNS_MAX 4

static struct target_pattern patterns[PATTERNS_MAX];
/* This machine has 198.51.100.7 and 2001:db8:7::7. */
static bool is_own(const struct bare_address *address) {
  static const uint8_t v4[] = {198, 51, 100, 7};
  static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0x00, 0x07, [15] = 7};
  if (address->family == AF_INET) return memcmp(address->bytes, v4, sizeof v4) == 0;
  return memcmp(address->bytes, v6, sizeof v6) == 0;
}

static struct target_rules rules = {.patterns = patterns, .is_own = is_own};

/* "a b": two patterns; "": none. */
static void allow(const char *words) {
  static char copy[512];
  snprintf(copy, sizeof copy, "%s", words);
  rules.count = 0;
  char *rest = copy;
  for (char *word; (word = strsep(&rest, " ")) != NULL;) {
    const char *why = NULL;
    if (*word == '\0') continue;
    assert_true(rules.count < PATTERNS_MAX);
    if (!target_pattern_parse(word, &patterns[rules.count++], &why)) fail_msg("\"%s\": %s", word, why);
  }
}

static struct target target_of(const char *host, uint16_t port, enum target_origin origin) {
  return (struct target){.host = host, .port = port, .text = host, .origin = origin};
}

/* The verdict on a name or literal; of a name that is undecided also that on the address it resolves to. */
static enum target_verdict judge(enum target_origin origin, const char *host, uint16_t port,
                                 const char *resolved) {
  char why[TARGET_REASON_MAX] = "";
  struct target target = target_of(host, port, origin);
  enum target_verdict verdict = target_judge(&rules, &target, why);
  if (verdict == TARGET_UNDECIDED && resolved != NULL) {
    struct address address;
    assert_true(address_parse_literal(resolved, port, &address));
    verdict = target_judge_address(&rules, &target, &address, why);
    assert_true(verdict != TARGET_UNDECIDED);
  }
  if (verdict == TARGET_REFUSED) assert_true(strlen(why) > 10);
  return verdict;
}

struct row {
  const char *patterns, *host;
  uint16_t port;
  const char *resolved; /* what the name comes to; NULL: the verdict falls before */
  bool allowed;
};

static void check_rows(const struct row *rows, size_t count, enum target_origin origin) {
  for (size_t i = 0; i < count; i++) {
    const struct row *row = &rows[i];
    allow(row->patterns);
    bool allowed = judge(origin, row->host, row->port, row->resolved) == TARGET_ALLOWED;
    if (allowed != row->allowed)
      fail_msg("with \"%s\", %s:%u (%s) is %s", row->patterns, row->host, row->port,
               row->resolved != NULL ? row->resolved : "as it is", allowed ? "allowed" : "refused");
  }
}
#define CHECK_ROWS(rows, origin) check_rows(rows, sizeof(rows) / sizeof(rows)[0], origin)

static void patterns_bound_hosts_and_ports(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"10.0.0.0/8:5900-5999", "10.1.2.3", 5900, NULL, true},
      {"10.0.0.0/8:5900-5999", "10.1.2.3", 5999, NULL, true},
      {"10.0.0.0/8:5900-5999", "10.1.2.3", 6000, NULL, false},
      {"10.0.0.0/8:5900-5999", "10.1.2.3", 5899, NULL, false},
      {"10.0.0.0/8:5900-5999", "11.1.2.3", 5900, NULL, false},
      {"10.0.0.0/8:5900-5999", "::ffff:10.1.2.3", 5900, NULL, true},
      {"10.0.0.0/8", "10.1.2.3", 1, NULL, true},
      {"10.0.0.0/8:*", "10.1.2.3", 65535, NULL, true},
      {"10.0.0.7:22", "10.0.0.7", 22, NULL, true},
      {"10.0.0.7:22", "10.0.0.8", 22, NULL, false},
      {"[2001:db8::]/32:22", "2001:db8:1::7", 22, NULL, true},
      {"[2001:db8::/32]:22", "2001:db8:1::7", 22, NULL, true},
      {"[2001:db8::]/32:22", "2001:db8:1::7", 23, NULL, false},
      {"[2001:db8::]/32:22", "2001:db9::7", 22, NULL, false},
      {"2001:db8::7", "2001:db8::7", 80, NULL, true},
      {"[2001:db8::7]", "2001:db8::7", 80, NULL, true},
      {"2001:db8::/32", "2001:db8::7", 80, NULL, true},
      {"*.vm.example:5900,5901", "a.vm.example", 5901, "10.0.0.1", true},
      {"*.vm.example:5900,5901", "A.VM.Example.", 5901, "10.0.0.1", true},
      {"*.VM.example.:5900", "a.b.vm.example", 5900, "203.0.113.1", true},
      {"*.vm.example:5900,5901", "a.vm.example", 5902, "10.0.0.1", false},
      {"*.vm.example", "vm.example", 5900, "10.0.0.1", false},
      {"*.vm.example", "a.vm.example.evil.test", 5900, "10.0.0.1", false},
      {"*.vm.example", "a.vm.example..", 5900, "10.0.0.1", false},
      {"db-?.example", "db-1.example", 1, "10.0.0.1", true},
      {"db-?.example", "db-12.example", 1, "10.0.0.1", false},
      {"db-?.example", "db-.example", 1, "10.0.0.1", false},
      {"a*b*c", "aXXbYYbZZc", 1, "10.0.0.1", true},
      {"a*b*c", "aXXcYYc", 1, "10.0.0.1", false},
      {"db", "db", 1, "10.0.0.1", true},
      {"db", "dbx", 1, "10.0.0.1", false},
      {"*", "anything", 1, "10.0.0.1", true},
      {"*:80", "198.51.100.1", 80, NULL, true},
      {"*:80", "198.51.100.1", 81, NULL, false},
      {"db 10.0.0.0/8:22", "10.0.0.1", 22, NULL, true},
      /* a name that no name pattern has, by where it leads */
      {"10.0.0.0/8:22", "vm", 22, "10.0.0.1", true},
      {"10.0.0.0/8:22", "vm", 22, "11.0.0.1", false},
      {"10.0.0.0/8:22", "vm", 23, NULL, false},
      {"unix:/run/x", "run", 23, NULL, false},
  };
  CHECK_ROWS(rows, TARGET_LOOKED_UP);
  CHECK_ROWS(rows, TARGET_FROM_FILE);
}

static void this_machine_and_its_cloud_need_a_pattern_of_their_own(void **state) {
  (void)state;
  static const struct row rows[] = {
      /* names that turn to it (DNS rebinding) */
      {"*.example", "a.example", 80, "127.0.0.1", false},
      {"*.example", "a.example", 80, "::1", false},
      {"*.example", "a.example", 80, "169.254.169.254", false},
      {"*.example", "a.example", 80, "::ffff:169.254.169.254", false},
      {"*.example", "a.example", 80, "0.0.0.0", false},
      {"*.example", "a.example", 80, "10.0.0.1", true},
      {"a.example", "a.example", 80, "127.0.0.1", false},
      /* wildcards, and networks that are as good as one */
      {"*", "127.0.0.1", 80, NULL, false},
      {"*", "localhost", 80, "127.0.0.1", false},
      {"0.0.0.0/0", "127.0.0.1", 80, NULL, false},
      {"::/0", "::1", 80, NULL, false},
      {"0.0.0.0/0", "169.254.169.254", 80, NULL, false},
      /* spellings that only the resolver understands */
      {"*", "0x7f.1", 80, "127.0.0.1", false},
      {"*", "2130706433", 80, "127.0.0.1", false},
      {"*", "0177.0.0.1", 80, "127.0.0.1", false},
      {"*", "127.1", 80, "127.0.0.1", false},
      {"127.0.0.0/8", "2130706433", 80, "127.0.0.1", true},
      /* meant */
      {"127.0.0.0/8", "127.0.0.1", 80, NULL, true},
      {"127.0.0.1:80", "127.0.0.1", 80, NULL, true},
      {"127.0.0.1:80", "127.0.0.1", 81, NULL, false},
      {"127.0.0.0/8", "localhost", 80, "127.0.0.1", true},
      {"127.0.0.0/8", "a.example", 80, "127.0.0.1", true},
      {"localhost:80", "localhost", 80, "127.0.0.1", true},
      {"localhost:80", "LOCALHOST.", 80, "::1", true},
      {"localhost:80", "localhost", 80, "169.254.169.254", false},
      {"localhost:80", "127.0.0.1", 80, NULL, false},
      {"[::1]:80", "::1", 80, NULL, true},
      {"169.254.0.0/16", "169.254.1.1", 80, NULL, true},
      {"169.254.0.0/16", "169.254.169.254", 80, NULL, false},
      {"169.254.169.254", "169.254.169.254", 80, NULL, true},
      {"metadata.google.internal", "metadata.google.internal", 80, "169.254.169.254", true},
      {"metadata.google.internal", "metadata.google.internal", 80, "127.0.0.1", false},
      {"*", "metadata.google.internal", 80, "10.0.0.1", false},
      {"100.64.0.0/10", "100.100.100.200", 80, NULL, false},
      {"100.64.0.0/10", "100.100.100.201", 80, NULL, true},
  };
  CHECK_ROWS(rows, TARGET_LOOKED_UP);
  CHECK_ROWS(rows, TARGET_FROM_FILE);
}

/* Without patterns: what whoever names a target so is told of each of these addresses. */
static void expect_all(enum target_origin origin, enum target_verdict verdict, const char *const *addresses,
                       size_t count) {
  for (size_t i = 0; i < count; i++)
    if (judge(origin, addresses[i], 80, NULL) != verdict)
      fail_msg("origin %d, %s: not %d", (int)origin, addresses[i], (int)verdict);
}

#define EXPECT_ALL(origin, verdict, list) expect_all(origin, verdict, list, sizeof(list) / sizeof((list)[0]))

static void without_patterns_nobody_but_the_command_line_names_these(void **state) {
  (void)state;
  static const char *const never[] = {
      "169.254.169.254",
      "169.254.1.1",
      "169.254.170.2",
      "100.100.100.200",
      "192.0.0.192",
      "168.63.129.16",
      "fd00:ec2::254",
      "fd20:ce::254",
      "fe80::1",
      "fe80::a9fe:a9fe",
      "fd00:42::42",
      "::ffff:169.254.169.254",
      "64:ff9b::169.254.169.254",
      "2002:a9fe:a9fe::1",
      "::169.254.169.254",
      "64:ff9b:1::a9fe:a9fe",
      "::ffff:0:169.254.169.254",
      "2001:0:1:2:3:4:5601:5601",
  };
  allow("");
  EXPECT_ALL(TARGET_FROM_FILE, TARGET_REFUSED, never);
  EXPECT_ALL(TARGET_LOOKED_UP, TARGET_REFUSED, never);
  EXPECT_ALL(TARGET_FIXED, TARGET_ALLOWED, never);
  assert_int_equal(judge(TARGET_FROM_FILE, "metadata.google.internal", 80, NULL), TARGET_REFUSED);
}

static void without_patterns_only_files_name_these(void **state) {
  (void)state;
  static const char *const from_files_only[] = {
      "127.0.0.1",
      "127.255.255.254",
      "::1",
      "0.0.0.0",
      "0.1.2.3",
      "::",
      "224.0.0.1",
      "239.255.255.255",
      "255.255.255.255",
      "ff02::1",
      "::ffff:127.0.0.1",
      "64:ff9b::127.0.0.1",
      "2002:7f00:1::",
      "::127.0.0.1",
      "::ffff:0.0.0.0",
      "2001:0:1:2:3:4:80ff:fffe",
  };
  allow("");
  EXPECT_ALL(TARGET_FROM_FILE, TARGET_ALLOWED, from_files_only);
  EXPECT_ALL(TARGET_LOOKED_UP, TARGET_REFUSED, from_files_only);
  assert_int_equal(judge(TARGET_LOOKED_UP, "localhost", 80, NULL), TARGET_REFUSED);
  assert_int_equal(judge(TARGET_LOOKED_UP, "a.localhost", 80, NULL), TARGET_REFUSED);
  assert_int_equal(judge(TARGET_FROM_FILE, "localhost", 80, "127.0.0.1"), TARGET_ALLOWED);
}

static void without_patterns_anybody_names_these(void **state) {
  (void)state;
  static const char *const anybody[] = {
      "10.0.0.1",        "192.168.1.1",  "172.16.0.1", "203.0.113.1", "2001:db8::1",
      "fd12::1",         "169.253.0.1",  "128.0.0.1",  "1.0.0.0",     "64:ff9b::10.0.0.1",
      "100.100.100.201", "2002:a00:1::", "fec0::1"};
  allow("");
  EXPECT_ALL(TARGET_LOOKED_UP, TARGET_ALLOWED, anybody);
  assert_int_equal(judge(TARGET_LOOKED_UP, "db", 80, NULL), TARGET_UNDECIDED);
}

/* Connections to them go past firewalls that watch the network. */
static void its_own_addresses_are_named_on_purpose(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"", "198.51.100.7", 80, NULL, false},
      {"", "::ffff:198.51.100.7", 80, NULL, false},
      {"", "2001:db8:7::7", 80, NULL, false},
      {"", "198.51.100.8", 80, NULL, true},
      {"", "a.example", 80, "198.51.100.7", false},
      {"*", "198.51.100.7", 80, NULL, false},
      {"*.example", "a.example", 80, "198.51.100.7", false},
      {"0.0.0.0/0", "198.51.100.7", 80, NULL, false},
      {"::/0", "2001:db8:7::7", 80, NULL, false},
      {"a.example", "a.example", 80, "198.51.100.7", true},
      {"198.51.100.0/24:80", "198.51.100.7", 80, NULL, true},
      {"198.51.100.0/24:80", "a.example", 80, "198.51.100.7", true},
      {"198.51.100.0/24:80", "198.51.100.7", 81, NULL, false},
      {"198.51.100.7", "198.51.100.7", 80, NULL, true},
      {"localhost", "localhost", 80, "198.51.100.7", true},
  };
  CHECK_ROWS(rows, TARGET_LOOKED_UP);
  static const struct row of_files[] = {
      {"", "198.51.100.7", 80, NULL, true},
      {"*", "198.51.100.7", 80, NULL, true},
      {"*.example", "a.example", 80, "2001:db8:7::7", true},
      {"203.0.113.0/24", "198.51.100.7", 80, NULL, false},
  };
  CHECK_ROWS(of_files, TARGET_FROM_FILE);
}

/* An address in the guise of another must be named as narrowly as what it stands for. */
static void disguises_need_as_narrow_a_pattern(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"64:ff9b::/96", "64:ff9b::127.0.0.1", 80, NULL, false},
      {"64:ff9b::/96", "64:ff9b::10.0.0.1", 80, NULL, true},
      {"64:ff9b::127.0.0.0/104", "64:ff9b::127.0.0.1", 80, NULL, true},
      {"127.0.0.0/8", "64:ff9b::127.0.0.1", 80, NULL, false},
      {"2002::/16", "2002:7f00:1::", 80, NULL, false},
      {"2002:7f00::/24", "2002:7f00:1::", 80, NULL, true},
  };
  CHECK_ROWS(rows, TARGET_LOOKED_UP);
}

static enum target_verdict judge_path(enum target_origin origin, const char *path) {
  char why[TARGET_REASON_MAX];
  struct target target = {.unix_path = path, .text = path, .origin = origin};
  return target_judge(&rules, &target, why);
}

static void unix_sockets_are_named_by_path(void **state) {
  (void)state;
  allow("");
  assert_int_equal(judge_path(TARGET_FROM_FILE, "/run/x"), TARGET_ALLOWED);
  assert_int_equal(judge_path(TARGET_LOOKED_UP, "/run/x"), TARGET_REFUSED);
  assert_int_equal(judge_path(TARGET_FIXED, "/run/x"), TARGET_ALLOWED);
  allow("unix:/run/vnc/* unix:/run/*/one unix:/var/../x");
  static const struct {
    const char *path;
    bool allowed;
  } rows[] = {
      {"/run/vnc/1", true},    {"/run/vnc/", true},     {"/run/vnc", false},
      {"/run/vnc/a/b", false}, {"/run/vnc/..", false},  {"/run/../one", false},
      {"/run/a/one", true},    {"/run/a/b/one", false}, {"/run/vnc/../docker.sock", false},
      {"/run/vnc/..x", true},  {"/var/../x", true},     {"/x", false},
      {"run/vnc/1", false},    {"/RUN/vnc/1", false},   {"", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bool allowed = judge_path(TARGET_LOOKED_UP, rows[i].path) == TARGET_ALLOWED;
    if (allowed != rows[i].allowed) fail_msg("%s is %s", rows[i].path, allowed ? "allowed" : "refused");
  }
  allow("*");
  assert_int_equal(judge_path(TARGET_FROM_FILE, "/run/x"), TARGET_REFUSED);
}

static void a_refusal_says_what_would_allow_it(void **state) {
  (void)state;
  char why[TARGET_REASON_MAX];
  allow("db");
  struct target target = target_of("127.0.0.1", 5432, TARGET_LOOKED_UP);
  assert_int_equal(target_judge(&rules, &target, why), TARGET_REFUSED);
  assert_string_equal(
      why, "it is a loopback address, which --allow-target must name explicitly (as 127.0.0.1:5432)");
  target = target_of("other", 5432, TARGET_LOOKED_UP);
  assert_int_equal(target_judge(&rules, &target, why), TARGET_REFUSED);
  assert_string_equal(why, "no --allow-target matches it (other:5432 would)");
  target = target_of("fe80::1", 22, TARGET_FROM_FILE);
  assert_int_equal(target_judge(&rules, &target, why), TARGET_REFUSED);
  assert_non_null(strstr(why, "a link-local address"));
  assert_non_null(strstr(why, "(as [fe80::1]:22)"));
  char long_name[256];
  memset(long_name, '"', 255);
  long_name[255] = '\0';
  target = target_of(long_name, 22, TARGET_LOOKED_UP);
  assert_int_equal(target_judge(&rules, &target, why), TARGET_REFUSED);
  assert_null(strstr(why, " \""));
}

static void what_is_no_pattern_is_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "",
      ":80",
      "db:",
      "db:0",
      "db:65536",
      "db:80-",
      "db:-80",
      "db:90-80",
      "db:80,",
      "db:80,,81",
      "db:x",
      "db:*,80",
      "db: 80",
      "a b",
      "a/b",
      "10.0.0.0/33",
      "10.0.0.0/8:",
      "10.0.0.*",
      "10.*",
      "10.0.0",
      "5901",
      "1?",
      "[::1",
      "[::1]80",
      "[::1]/129",
      "[10.0.0.1]:80",
      "[]:80",
      "[::1]/",
      "::1/64/3",
      "unix:",
      "unix:run/x",
      ".",
      "a:b:c",
      "db\"",
      "https://db",
      "db:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct target_pattern pattern;
    const char *why = NULL;
    if (target_pattern_parse(rows[i], &pattern, &why)) fail_msg("\"%s\" is taken", rows[i]);
    assert_non_null(why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patterns_bound_hosts_and_ports),
      cmocka_unit_test(this_machine_and_its_cloud_need_a_pattern_of_their_own),
      cmocka_unit_test(without_patterns_nobody_but_the_command_line_names_these),
      cmocka_unit_test(without_patterns_only_files_name_these),
      cmocka_unit_test(without_patterns_anybody_names_these),
      cmocka_unit_test(its_own_addresses_are_named_on_purpose),
      cmocka_unit_test(disguises_need_as_narrow_a_pattern),
      cmocka_unit_test(unix_sockets_are_named_by_path),
      cmocka_unit_test(a_refusal_says_what_would_allow_it),
      cmocka_unit_test(what_is_no_pattern_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
