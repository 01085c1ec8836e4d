/* Sockets of the bench: none of them waits for more to send, or small messages would be measured late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"
#include "loadgen/endpoint.h"

static bool interrupt_connect;
static unsigned connects;

/* Instead of the C library's: a signal may come in the middle of it. */
int connect_or_interrupt(int fd, const struct sockaddr *address, socklen_t len) __asm__("connect");

int connect_or_interrupt(int fd, const struct sockaddr *address, socklen_t len) {
  connects++;
  long outcome = syscall(SYS_connect, fd, address, len);
  if (!interrupt_connect) return (int)outcome;
  errno = EINTR;
  return -1;
}

static void listen_on_loopback(struct endpoint *endpoint, int *fd) {
  char why[ENDPOINT_WHY_MAX];
  *endpoint = (struct endpoint){.kind = STREAM_TCP, .count = 1};
  assert_true(address_parse_literal("127.0.0.1", 0, &endpoint->addresses[0]));
  assert_int_equal(endpoint_listen(endpoint, fd, why), WSL_OK);
  struct address *address = &endpoint->addresses[0];
  address->len = sizeof address->storage;
  assert_int_equal(getsockname(*fd, (struct sockaddr *)&address->storage, &address->len), 0);
}

static int no_delay(int fd) {
  int value = -1;
  socklen_t len = sizeof value;
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
  return value;
}

static void test_nothing_is_held_back(void **state) {
  (void)state;
  struct endpoint endpoint;
  int listener, client;
  listen_on_loopback(&endpoint, &listener);
  assert_int_equal(endpoint_connect(&endpoint.addresses[0], NULL, &client), WSL_OK);
  struct pollfd queued = {.fd = listener, .events = POLLIN};
  assert_int_equal(poll(&queued, 1, 10000), 1);
  int accepted = accept(listener, NULL, NULL);
  assert_true(accepted >= 0);
  assert_int_equal(no_delay(client), 1);
  assert_int_equal(no_delay(accepted), 1);
  close(accepted);
  close(client);
  close(listener);
}

static void test_a_source_that_is_not_ours(void **state) {
  (void)state;
  struct endpoint endpoint;
  struct address source;
  int listener, client = 0;
  listen_on_loopback(&endpoint, &listener);
  assert_true(address_parse_literal("192.0.2.1", 0, &source)); /* RFC 5737: nobody's */
  assert_int_equal(endpoint_connect(&endpoint.addresses[0], &source, &client), WSL_NO_ADDRESS);
  assert_int_equal(client, -1);
  close(listener);
}

/* The connection is under way then; to connect again would fail. */
static void test_an_interrupt_is_no_failure(void **state) {
  (void)state;
  struct endpoint endpoint;
  int listener, client = -1;
  listen_on_loopback(&endpoint, &listener);
  connects = 0;
  interrupt_connect = true;
  int error = endpoint_connect(&endpoint.addresses[0], NULL, &client);
  interrupt_connect = false;
  assert_int_equal(error, WSL_OK);
  assert_int_equal(connects, 1);
  struct pollfd opened = {.fd = client, .events = POLLOUT};
  assert_int_equal(poll(&opened, 1, 10000), 1);
  assert_int_equal(opened.revents, POLLOUT);
  close(client);
  close(listener);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_is_held_back),
      cmocka_unit_test(test_a_source_that_is_not_ours),
      cmocka_unit_test(test_an_interrupt_is_no_failure),
  };
  return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
