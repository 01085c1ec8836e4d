/* A free port for a wrapped program: outside of what the system hands out, and held where that does no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/wrap/port.h"
#include "core/error.h"
#include "net/address.h"
#include "net/socket_system.h"

/* A socket that is bound to the port on 127.0.0.1; -1 where that is refused. */
static int bind_to(uint16_t number, int reuse) {
  struct address address;
  assert_true(address_parse_literal("127.0.0.1", number, &address));
  int fd = socket_create(AF_INET);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse), 0);
  if (bind(fd, (const struct sockaddr *)&address.storage, address.len) == 0) return fd;
  close(fd);
  return -1;
}

static void it_is_none_of_those_that_are_handed_out(void **state) {
  (void)state;
  struct port_range own = socket_ephemeral_ports();
  if (own.last - own.first > 50000) skip();
  for (int i = 0; i < 20; i++) {
    struct wrap_port port;
    assert_int_equal(wrap_port_find(&port, WRAP_PORT_LOOSE), WSL_OK);
    assert_true(port.number < own.first || port.number > own.last);
    wrap_port_release(&port);
  }
}

static void a_held_one_is_for_who_says_so(void **state) {
  (void)state;
  struct wrap_port port;
  assert_int_equal(wrap_port_find(&port, WRAP_PORT_HELD), WSL_OK);
  assert_int_equal(bind_to(port.number, 0), -1);
  int program = bind_to(port.number, 1);
  assert_true(program >= 0);
  assert_false(wrap_port_is_listened_on(port.number));
  assert_int_equal(listen(program, 1), 0);
  assert_true(wrap_port_is_listened_on(port.number));
  close(program);
  wrap_port_release(&port);
  assert_int_equal(port.number, 0);
  wrap_port_release(&port);
}

static void a_loose_one_is_for_anybody(void **state) {
  (void)state;
  struct wrap_port port;
  assert_int_equal(wrap_port_find(&port, WRAP_PORT_LOOSE), WSL_OK);
  int program = bind_to(port.number, 0);
  assert_true(program >= 0);
  close(program);
  wrap_port_release(&port);
}

static void two_are_different(void **state) {
  (void)state;
  struct wrap_port one, other;
  assert_int_equal(wrap_port_find(&one, WRAP_PORT_HELD), WSL_OK);
  assert_int_equal(wrap_port_find(&other, WRAP_PORT_HELD), WSL_OK);
  assert_int_not_equal(one.number, other.number);
  wrap_port_release(&one);
  wrap_port_release(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_none_of_those_that_are_handed_out),
      cmocka_unit_test(a_held_one_is_for_who_says_so),
      cmocka_unit_test(a_loose_one_is_for_anybody),
      cmocka_unit_test(two_are_different),
  };
  return cmocka_run_group_tests_name("app/wrap/port", tests, NULL, NULL);
}
