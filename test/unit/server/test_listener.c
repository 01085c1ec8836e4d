/* A listener that is stopped: who is in the kernel's queue is accepted where the queue ends with the socket,
 * and left alone where somebody else has the socket too.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "net/loop_timers.h"
#include "server/listener.h"

#define PLACES  10u
#define CLIENTS 3

static struct {
  uv_loop_t loop;
  struct loop_timers timers;
  struct admission admission;
  struct admission_waiter waiter;
  struct admission_waiter *waiters[1];
  struct listener listener;
  int accepted;
} it;

static void wake(struct admission_waiter *waiter) {
  (void)waiter;
}

static void on_accept(void *owner, int fd, const struct address *peer) {
  (void)owner;
  (void)peer;
  it.accepted++;
  close(fd);
}

/* A listening socket, and so many clients in its queue, whose descriptors are closed by nobody: the test
 * ends. */
static int listen_with_queue(void) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof here;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
  assert_int_equal(listen(fd, CLIENTS), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
  for (int i = 0; i < CLIENTS; i++) {
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&here, sizeof here), 0);
  }
  return fd;
}

/* Opens and stops one; how many it has accepted then. */
static int stop_one(int fd, enum listener_queue queue) {
  memset(&it, 0, sizeof it);
  assert_int_equal(uv_loop_init(&it.loop), 0);
  assert_int_equal(loop_timers_open(&it.timers, &it.loop), 0);
  it.waiter.wake = wake;
  it.waiters[0] = &it.waiter;
  admission_init(&it.admission, PLACES, it.waiters, 1);
  struct listener_socket socket = {fd, queue};
  assert_int_equal(listener_open(&it.listener, &it.loop, socket, &it.timers.timers, &it.admission, &it.waiter,
                                 on_accept, NULL),
                   0);
  listener_stop(&it.listener);
  listener_stop(&it.listener); /* harmless */
  loop_timers_close(&it.timers);
  (void)uv_run(&it.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&it.loop), 0);
  return it.accepted;
}

static void a_queue_of_ours_is_emptied(void **state) {
  (void)state;
  assert_int_equal(stop_one(listen_with_queue(), LISTENER_QUEUE_ENDS), CLIENTS);
}

static void a_queue_that_stays_is_left_to_others(void **state) {
  (void)state;
  int fd = listen_with_queue(), theirs = dup(fd);
  assert_int_equal(stop_one(fd, LISTENER_QUEUE_STAYS), 0);
  for (int i = 0; i < CLIENTS; i++) {
    int client = accept(theirs, NULL, NULL);
    assert_true(client >= 0);
    close(client);
  }
  close(theirs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_queue_of_ours_is_emptied),
      cmocka_unit_test(a_queue_that_stays_is_left_to_others),
  };
  return cmocka_run_group_tests_name("server/listener", tests, NULL, NULL);
}
