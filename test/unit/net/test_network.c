/* Networks as operators write them, and which addresses are in. */
#include "loopback.h"

#include "net/network.h"

static struct network network(const char *text) {
  struct network network;
  const char *why = NULL;
  if (!network_parse_peer(wsl_span_of(text), &network, &why)) fail_msg("\"%s\" is refused: %s", text, why);
  return network;
}

static struct address address(const char *host) {
  struct address address;
  assert_true(address_parse_literal(host, 4711, &address));
  return address;
}

static void addresses_are_in_or_not(void **state) {
  (void)state;
  static const struct {
    const char *network, *in, *out;
  } rows[] = {
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"10.1.2.3/8", "10.0.0.0", "9.255.255.255"},
      {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
      {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
      {"192.0.2.0/31", "192.0.2.1", "192.0.2.2"},
      {"0.0.0.0/0", "255.255.255.255", "::1"},
      {"::/0", "ffff::1", "10.0.0.1"},
      {"::/0", "::1", "::ffff:10.0.0.1"},
      {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
      {"2001:db8::7", "2001:db8::7", "2001:db8::8"},
      {"10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"},
      {"::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"},
      {"fe80::/10", "fe80::1%lo", "fec0::1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct network n = network(rows[i].network);
    struct networks all = {&n, 1};
    struct address in = address(rows[i].in), out = address(rows[i].out);
    if (!networks_hold(&all, &in)) fail_msg("%s is not in %s", rows[i].in, rows[i].network);
    if (networks_hold(&all, &out)) fail_msg("%s is in %s", rows[i].out, rows[i].network);
  }
}

static void unix_sockets_have_a_word_of_their_own(void **state) {
  (void)state;
  struct address peer, path, host = address("127.0.0.1");
  memset(&peer, 0, sizeof peer);
  peer.storage.ss_family = AF_UNIX;
  peer.len = sizeof(sa_family_t);
  assert_int_equal(address_unix("/run/x", &path), 0);
  struct network both[] = {network("unix"), network("10.0.0.0/8")};
  struct networks networks = {both, 2};
  assert_true(networks_hold(&networks, &peer));
  assert_true(networks_hold(&networks, &path));
  assert_false(networks_hold(&networks, &host));
  struct networks without = {both + 1, 1}, none = {NULL, 0};
  assert_false(networks_hold(&without, &peer));
  assert_false(networks_hold(&none, &host));
}

static void what_is_none_is_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "",
      "/8",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/8/8",
      "10.0.0/8",
      "10/8",
      "::/129",
      "::/1000",
      "localhost",
      "[::1]",
      "10.0.0.0/8 ",
      " 10.0.0.1",
      "10.0.0.0/x",
      "fe80::1%lo",
      "10.0.0.256/8",
      "Unix",
      "::ffff:10.0.0.0/95",
      "0x7f000001",
      "10.0.0.0/+8",
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct network n;
    const char *why = NULL;
    if (network_parse_peer(wsl_span_of(rows[i]), &n, &why)) fail_msg("\"%s\" is taken", rows[i]);
    assert_non_null(why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_are_in_or_not),
      cmocka_unit_test(unix_sockets_have_a_word_of_their_own),
      cmocka_unit_test(what_is_none_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
