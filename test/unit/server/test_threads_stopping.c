/* A server that is stopped while files are on their way from a disk that takes its time: it ends when the
 * last step in the thread pool has, and not before. The disk is played by filling the pool's threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "core/log.h"
#include "server/server.h"

/* Without the fix that a test is there for, a server waits for ever: a guard, far above any real run. */
#define GUARD_S 60

#define POOL_THREADS 4 /* libuv's, unless UV_THREADPOOL_SIZE says otherwise: main() sees to it */

static atomic_int files_asked; /* "connection head -> file" lines */

static void count_lines(enum log_level level, uint64_t id, const char *text) {
  (void)level;
  (void)id;
  if (strcmp(text, "connection head -> file") == 0) atomic_fetch_add(&files_asked, 1);
}

/* ---- the slow disk ---- */

struct slow_disk {
  uv_loop_t loop;
  uv_work_t work[POOL_THREADS];
  uv_sem_t started, go_on;
};

static void hang(uv_work_t *work) {
  struct slow_disk *disk = work->data;
  uv_sem_post(&disk->started);
  uv_sem_wait(&disk->go_on);
}

static void disk_hang(struct slow_disk *disk) {
  assert_int_equal(uv_loop_init(&disk->loop), 0);
  assert_int_equal(uv_sem_init(&disk->started, 0), 0);
  assert_int_equal(uv_sem_init(&disk->go_on, 0), 0);
  for (int i = 0; i < POOL_THREADS; i++) {
    disk->work[i].data = disk;
    assert_int_equal(uv_queue_work(&disk->loop, &disk->work[i], hang, NULL), 0);
  }
  for (int i = 0; i < POOL_THREADS; i++)
    uv_sem_wait(&disk->started);
}

static void disk_recover(struct slow_disk *disk) {
  for (int i = 0; i < POOL_THREADS; i++)
    uv_sem_post(&disk->go_on);
  uv_run(&disk->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&disk->loop), 0);
  uv_sem_destroy(&disk->started);
  uv_sem_destroy(&disk->go_on);
}

/* ---- the server ---- */

struct world {
  uv_loop_t loop;
  struct server_settings settings;
  struct server *server;
  bool stopped;
  char web_dir[sizeof "/tmp/wsluice-stopping-XXXXXX"];
};

static void on_stopped(struct server *server, void *owner) {
  (void)server;
  ((struct world *)owner)->stopped = true;
}

static void world_open(struct world *w) {
  *w = (struct world){.web_dir = "/tmp/wsluice-stopping-XXXXXX"};
  assert_non_null(mkdtemp(w->web_dir));
  w->settings = (struct server_settings){
      .listen_host = "127.0.0.1",
      .target = {"127.0.0.1", 9, NULL, "127.0.0.1:9"},
      .workers = 1,
      .buffer_size = 65536,
      .buffer_memory = 1u << 20,
      .head_memory = 1u << 20,
      .backlog = 16,
      .web_dir = w->web_dir,
      .head = {.request_line_max = 1024, .head_max = 4096, .fields_max = 20},
      .handshake_timeout_ms = 10000,
      .transfer_timeout_ms = 60000,
      .drain_timeout_ms = 3600000,
      .session = {.dial_timeout_ms = 1000, .close_timeout_ms = 1000, .close_timeout_max_ms = 1000},
  };
  char why[256];
  assert_int_equal(uv_loop_init(&w->loop), 0);
  int error = server_start(&w->server, &w->settings, &w->loop, on_stopped, w, why, sizeof why);
  if (error != 0) fail_msg("%s", why);
}

static void world_close(struct world *w) {
  assert_true(w->stopped);
  server_free(w->server);
  assert_int_equal(uv_loop_close(&w->loop), 0);
  assert_int_equal(rmdir(w->web_dir), 0);
}

/* A client that has asked for a file; its request has got as far as the pool's queue. */
static int ask_for_file(const struct world *w) {
  static const char request[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
  int before = atomic_load(&files_asked);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server_port(w->server))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
  while (atomic_load(&files_asked) == before)
    usleep(1000);
  return fd;
}

/* The request is taken back out of the pool's queue: nothing is left to wait for. */
static void a_cut_server_does_not_wait_for_files_that_are_queued(void **state) {
  (void)state;
  struct world w;
  struct slow_disk disk;
  world_open(&w);
  disk_hang(&disk);
  int fd = ask_for_file(&w);

  server_cut(w.server);
  uv_run(&w.loop, UV_RUN_DEFAULT);

  world_close(&w);
  close(fd);
  disk_recover(&disk);
}

/* The last client goes by itself, while it is being drained for. */
static void a_draining_server_ends_with_its_last_file(void **state) {
  (void)state;
  struct world w;
  struct slow_disk disk;
  world_open(&w);
  disk_hang(&disk);
  int fd = ask_for_file(&w);

  server_drain(w.server);
  struct linger abruptly = {.l_onoff = 1, .l_linger = 0};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abruptly, sizeof abruptly), 0);
  close(fd);
  uv_run(&w.loop, UV_RUN_DEFAULT);

  world_close(&w);
  disk_recover(&disk);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cut_server_does_not_wait_for_files_that_are_queued),
      cmocka_unit_test(a_draining_server_ends_with_its_last_file),
  };
  setenv("UV_THREADPOOL_SIZE", "4", 1);
  log_set_sink(count_lines);
  log_set_level(LOG_DEBUG);
  alarm(GUARD_S);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
