/* A server that is stopped while a file is on its way from a disk that takes its time: it ends when the
 * disk has answered, and not later. The disk is played by a pread() of this program's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "core/log.h"
#include "server/server.h"

/* A server that waits for ever is what is looked for: a guard, far above any real run. */
#define GUARD_S 60

static atomic_int dropped; /* "connection dropped while file: ..." lines */

static void count_lines(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  static const char drop[] = "connection dropped while file";
  (void)level;
  (void)id;
  if (strncmp(text, drop, sizeof drop - 1) == 0) atomic_fetch_add(&dropped, 1);
}

/* ---- the slow disk ---- */

static struct {
  uv_sem_t asked, answers;
} disk;

/* Stands before the C library's pread(), under a name of its own: with _FORTIFY_SOURCE the header has
 * an inline function of that name. */
ssize_t slow_pread(int fd, void *data, size_t len, off_t offset) __asm__("pread");

ssize_t slow_pread(int fd, void *data, size_t len, off_t offset) {
  uv_sem_post(&disk.asked);
  uv_sem_wait(&disk.answers);
  return lseek(fd, offset, SEEK_SET) < 0 ? -1 : read(fd, data, len);
}

/* ---- the server ---- */

#define WEB_DIR "/tmp/wsluice-stopping-XXXXXX"

struct world {
  uv_loop_t loop;
  struct server_settings settings;
  struct server *server;
  bool stopped;
  char web_dir[sizeof WEB_DIR];
  char file[sizeof WEB_DIR "/a"];
};

static void on_stopped(struct server *server, void *owner) {
  (void)server;
  ((struct world *)owner)->stopped = true;
}

static void world_open(struct world *w) {
  *w = (struct world){.web_dir = WEB_DIR};
  atomic_store(&dropped, 0);
  assert_int_equal(uv_sem_init(&disk.asked, 0), 0);
  assert_int_equal(uv_sem_init(&disk.answers, 0), 0);
  assert_non_null(mkdtemp(w->web_dir));
  snprintf(w->file, sizeof w->file, "%s/a", w->web_dir);
  int fd = open(w->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && write(fd, "a", 1) == 1 && close(fd) == 0);
  w->settings = (struct server_settings){
      .listen_host = "127.0.0.1",
      .target = {.host = "127.0.0.1", .port = 9, .text = "127.0.0.1:9"},
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
  assert_int_equal(unlink(w->file), 0);
  assert_int_equal(rmdir(w->web_dir), 0);
  uv_sem_destroy(&disk.asked);
  uv_sem_destroy(&disk.answers);
}

/* A client that has asked for the file; the disk has been asked too. */
static int ask_for_file(const struct world *w) {
  static const char request[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server_port(w->server))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
  uv_sem_wait(&disk.asked);
  return fd;
}

/* Nobody waits for the file any more; then it comes, and the server ends. */
static void end_behind_the_disk(struct world *w) {
  while (atomic_load(&dropped) == 0)
    usleep(1000);
  uv_sem_post(&disk.answers);
  uv_run(&w->loop, UV_RUN_DEFAULT);
  world_close(w);
}

/* The last client goes by itself, while it is being drained for. */
static void a_draining_server_ends_with_its_last_file(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  int fd = ask_for_file(&w);
  server_drain(w.server);
  struct linger abruptly = {.l_onoff = 1, .l_linger = 0};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abruptly, sizeof abruptly), 0);
  close(fd);
  end_behind_the_disk(&w);
}

static void a_cut_server_ends_with_its_last_file(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  int fd = ask_for_file(&w);
  server_cut(w.server);
  char byte;
  assert_true(read(fd, &byte, 1) < 0); /* cut, whatever the disk does */
  close(fd);
  atomic_store(&dropped, 1);
  end_behind_the_disk(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_draining_server_ends_with_its_last_file),
      cmocka_unit_test(a_cut_server_ends_with_its_last_file),
  };
  log_set_sink(count_lines);
  log_set_level(LOG_DEBUG);
  alarm(GUARD_S);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
