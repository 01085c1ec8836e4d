/* Clients on their way from one worker to another whose thread has not begun, has ended, or is to be cut:
 * each is served or cut, none is lost, and every place comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "server/single_session.h"
#include "server/worker.h"

#define WORKERS 2u
#define CLIENTS 8u
/* A wait for what never comes is what is looked for: a guard, far above any real run. */
#define GUARD_S  60
#define GUARD_MS 20000
#define ENOUGH   100u /* places */

static struct server_settings settings;
static struct static_files files = {.kind = STATIC_NONE, .dir_fd = -1};
static struct single_session single;
static struct admission admission;
static struct admission_waiter *waiters[WORKERS];
static struct balance_seat seats[WORKERS];
static struct balance balance = {seats, WORKERS};
static struct worker *workers[WORKERS];
static struct sockaddr_in listening; /* worker 0's; nobody connects to worker 1's */
static int clients[CLIENTS];
static uv_sem_t ended;

static void note_ended(void *owner) {
  (void)owner;
  uv_sem_post(&ended);
}

static int listen_somewhere(struct sockaddr_in *address) {
  socklen_t len = sizeof *address;
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
  assert_int_equal(listen(fd, (int)CLIENTS), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
  return fd;
}

static void set_up(void) {
  settings = (struct server_settings){
      .target = {.host = "127.0.0.1", .port = 9, .text = "127.0.0.1:9"},
      .buffer_size = 65536,
      .buffer_memory = 1u << 20,
      .head_memory = 1u << 20,
      .head = {.request_line_max = 1024, .head_max = 4096, .fields_max = 20},
      .handshake_timeout_ms = 60000,
      .transfer_timeout_ms = 60000,
      .session = {.dial_timeout_ms = 1000, .close_timeout_ms = 1000, .close_timeout_max_ms = 1000},
  };
  struct worker_setup setup = {.settings = &settings,
                               .files = &files,
                               .admission = &admission,
                               .balance = &balance,
                               .all = workers,
                               .single = &single,
                               .workers = WORKERS,
                               .on_ended = note_ended};
  memset(seats, 0, sizeof seats);
  admission_init(&admission, ENOUGH, waiters, WORKERS);
  assert_int_equal(uv_sem_init(&ended, 0), 0);
  for (unsigned i = 0; i < WORKERS; i++) {
    struct sockaddr_in address;
    struct listener_socket socket = {listen_somewhere(&address), LISTENER_QUEUE_ENDS};
    workers[i] = worker_open(&setup, i, &socket, 1);
    assert_non_null(workers[i]);
    waiters[i] = worker_waiter(workers[i]);
    if (i == 0) listening = address;
  }
}

static void tell_all(enum worker_command command) {
  for (unsigned i = 0; i < WORKERS; i++)
    worker_tell(workers[i], command);
}

static void tear_down(void) {
  tell_all(WORKER_DRAIN);
  tell_all(WORKER_CUT);
  for (unsigned i = 0; i < WORKERS; i++)
    worker_join(workers[i]);
  for (unsigned i = 0; i < WORKERS; i++) {
    assert_int_equal(balance_clients(&balance, i), 0);
    worker_free(workers[i]);
  }
  assert_int_equal(admission_open(&admission), 0);
  uv_sem_destroy(&ended);
  for (unsigned i = 0; i < CLIENTS; i++)
    close(clients[i]);
}

/* All clients connect to worker 0 and ask for something. */
static void connect_all(void) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (unsigned i = 0; i < CLIENTS; i++) {
    clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(clients[i] >= 0);
    assert_int_equal(connect(clients[i], (struct sockaddr *)&listening, sizeof listening), 0);
    assert_int_equal(write(clients[i], request, sizeof request - 1), sizeof request - 1);
  }
}

/* What the client reads: 'H' of an answer, or '-' at an end without one. */
static char answer(int client) {
  struct pollfd readable = {.fd = client, .events = POLLIN};
  assert_int_equal(poll(&readable, 1, GUARD_MS), 1);
  char first = '-';
  return read(client, &first, 1) == 1 ? first : '-';
}

static unsigned answered(void) {
  unsigned count = 0;
  for (unsigned i = 0; i < CLIENTS; i++)
    count += answer(clients[i]) == 'H';
  return count;
}

/* Worker 0 has accepted them all, and those that it keeps have their answer. */
static void wait_until_accepted(void) {
  while (counter_get(&worker_counters(workers[0])->accepted) +
             counter_get(&worker_counters(workers[0])->handed_on) <
         CLIENTS)
    usleep(1000);
}

static uint64_t served_by(unsigned worker) {
  return counter_get(&worker_counters(workers[worker])->accepted);
}

static void clients_wait_for_a_thread_that_has_not_begun(void **state) {
  (void)state;
  set_up();
  assert_int_equal(worker_start(workers[0]), 0);
  connect_all();
  wait_until_accepted();
  assert_int_equal(counter_get(&worker_counters(workers[0])->handed_on), served_by(0) == 5 ? 3 : 4);
  assert_int_equal(worker_start(workers[1]), 0);
  assert_int_equal(answered(), CLIENTS);
  assert_int_equal(served_by(0) + served_by(1), CLIENTS);
  tear_down();
}

static void who_has_ended_gets_nobody(void **state) {
  (void)state;
  set_up();
  assert_int_equal(worker_start(workers[1]), 0);
  worker_tell(workers[1], WORKER_DRAIN);
  uv_sem_wait(&ended);
  assert_int_equal(worker_start(workers[0]), 0);
  connect_all();
  assert_int_equal(answered(), CLIENTS);
  assert_int_equal(served_by(0), CLIENTS);
  assert_int_equal(balance_clients(&balance, 1), 0);
  tear_down();
}

/* A stop comes before the turn in which they would have been taken. */
static void clients_on_their_way_are_served_by_who_drains(void **state) {
  (void)state;
  set_up();
  assert_int_equal(worker_start(workers[0]), 0);
  connect_all();
  wait_until_accepted();
  tell_all(WORKER_DRAIN);
  assert_int_equal(worker_start(workers[1]), 0);
  assert_int_equal(answered(), CLIENTS);
  assert_true(served_by(1) >= 3);
  tear_down();
}

static void clients_on_their_way_are_cut(void **state) {
  (void)state;
  set_up();
  assert_int_equal(worker_start(workers[0]), 0);
  connect_all();
  wait_until_accepted();
  tell_all(WORKER_DRAIN);
  tell_all(WORKER_CUT);
  uv_sem_wait(&ended);
  assert_int_equal(worker_start(workers[1]), 0);
  assert_true(answered() < CLIENTS);
  uv_sem_wait(&ended);
  tear_down();
}

/* A start that failed: the other's thread never was. */
static void clients_of_who_never_began_are_cut(void **state) {
  (void)state;
  set_up();
  assert_int_equal(worker_start(workers[0]), 0);
  connect_all();
  wait_until_accepted();
  tear_down();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clients_wait_for_a_thread_that_has_not_begun),
      cmocka_unit_test(who_has_ended_gets_nobody),
      cmocka_unit_test(clients_on_their_way_are_served_by_who_drains),
      cmocka_unit_test(clients_on_their_way_are_cut),
      cmocka_unit_test(clients_of_who_never_began_are_cut),
  };
  alarm(GUARD_S);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
