/* Which addresses are this machine's own, as the kernel has it in a network of the test's: also second ones,
 * and whole networks that are routed here. Without the right to make networks only what every machine has is
 * looked at. */
#include "loopback.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "net/own_address.h"

static bool is_own(const char *host) {
  struct address address;
  assert_true(address_parse_literal(host, 80, &address));
  struct bare_address bare = address_bare(&address);
  return own_address(&bare);
}

static void loopback_is_its_own_and_documentation_is_not(void **state) {
  (void)state;
  assert_true(is_own("127.0.0.1"));
  assert_true(is_own("127.9.9.9"));
  assert_true(is_own("::ffff:127.0.0.1"));
  assert_false(is_own("203.0.113.77"));
  assert_false(is_own("2001:db8:ffff::77"));
}

static void unix_sockets_have_no_address(void **state) {
  (void)state;
  struct bare_address nothing = {.family = AF_UNIX};
  assert_false(own_address(&nothing));
}

/* ifconfig lo:N ADDRESS up, without asking for a program. */
static bool add_to_loopback(const char *label, const char *host) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {0};
  struct sockaddr_in address = {.sin_family = AF_INET};
  assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", label);
  memcpy(&request.ifr_addr, &address, sizeof address);
  bool added = ioctl(fd, SIOCSIFADDR, &request) == 0;
  close(fd);
  return added;
}

static void second_addresses_of_an_interface_are_its_own(void **state) {
  (void)state;
  if (unshare(CLONE_NEWNET) != 0) skip();
  if (!add_to_loopback("lo", "127.0.0.1") || !add_to_loopback("lo:1", "203.0.113.77")) skip();
  assert_true(is_own("203.0.113.77"));
  assert_false(is_own("203.0.114.77"));
  assert_false(is_own("2001:db8:ffff::77"));
}

/* Whoever fills the table of descriptors must not get past the rules by it. */
static void where_it_cannot_be_told_it_is_its_own(void **state) {
  (void)state;
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = (struct rlimit){0, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  bool own = is_own("203.0.113.77");
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_true(own);
}

/* What systemd's RestrictAddressFamilies= does: socket() of that family fails. For good: the last test. */
static bool forbid_netlink(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void a_sandbox_without_netlink_is_no_way_around(void **state) {
  (void)state;
  if (!forbid_netlink()) skip();
  assert_int_equal(socket(AF_NETLINK, SOCK_RAW, 0), -1);
  assert_true(is_own("127.0.0.1"));
  assert_true(is_own("::ffff:127.0.0.1"));
  assert_false(is_own("203.0.114.77"));
  assert_false(is_own("2001:db8:ffff::77"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loopback_is_its_own_and_documentation_is_not),
      cmocka_unit_test(unix_sockets_have_no_address),
      cmocka_unit_test(second_addresses_of_an_interface_are_its_own),
      cmocka_unit_test(where_it_cannot_be_told_it_is_its_own),
      cmocka_unit_test(a_sandbox_without_netlink_is_no_way_around),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
