/* What the operator reads when a session has ended: side, cause, code, duration, bytes each way. */
#include <stdlib.h>
#include <string.h>

#include "bridge/world.h"

struct row {
  const char *name;
  void (*end)(struct world *w);
  const char *line;
};

static void answer(struct world *w) {
  world_rest(w);
  client_close_with(w, 1000, "");
  peer_finish(&w->client);
  world_rest(w);
  peer_finish(&w->backend);
  world_rest(w);
}

static void answer_without_target(struct world *w) {
  world_rest(w);
  client_close_with(w, 1000, "");
  peer_finish(&w->client);
  world_rest(w);
}

static void client_closes(struct world *w) {
  client_close_with(w, 4000, "");
  peer_finish(&w->client);
  peer_finish(&w->backend);
}

static void client_resets(struct world *w) {
  peer_reset(&w->client);
}

static void client_fins_then_resets(struct world *w) {
  peer_finish(&w->client);
  world_rest(w);
  peer_reset(&w->client);
  peer_finish(&w->backend);
}

static void client_fins(struct world *w) {
  peer_finish(&w->client);
  world_rest(w);
  peer_finish(&w->backend);
}

static void client_ends_inside(struct world *w) {
  peer_send(&w->client, "\x82", 1);
  peer_finish(&w->client);
}

static void client_violates(struct world *w) {
  peer_send(&w->client, "\x82\x01x", 3);
  peer_finish(&w->client);
}

static void backend_fins(struct world *w) {
  peer_finish(&w->backend);
  answer(w);
}

static void backend_resets(struct world *w) {
  peer_reset(&w->backend);
  answer(w);
}

static void both_end(struct world *w) {
  peer_finish(&w->backend);
  world_rest(w);
  client_ends_inside(w);
}

static void client_times_out(struct world *w) {
  w->client.end = PEER_TIMED_OUT;
  peer_edge_for_nothing(&w->client);
}

static void backend_times_out(struct world *w) {
  w->backend.end = PEER_TIMED_OUT;
  peer_edge_for_nothing(&w->backend);
  answer_without_target(w);
}

static void drain(struct world *w) {
  session_domain_go_away(&w->domain);
  answer(w);
}

static void cut(struct world *w) {
  session_domain_cut(&w->domain);
}

static void no_pong(struct world *w) {
  world_advance(w, 116 * 1000);
  peer_finish(&w->client);
}

static void idle(struct world *w) {
  w->settings.idle_timeout_ms = 10000;
  client_data(w, "");
  world_advance(w, 50 * 1000);
  peer_finish(&w->client);
}

static const struct row rows[] = {
    {"client closes", client_closes,
     "session ended side=client cause=\"client closed\" code=4000 duration=1.500s up=5 down=3"},
    {"client resets", client_resets,
     "session ended side=client cause=\"client reset the connection\" code=0 duration=1.500s up=5 down=3"},
    {"client half-closes, then resets", client_fins_then_resets,
     "session ended side=client cause=\"client reset the connection\" code=0 duration=1.500s up=5 down=3"},
    {"client half-closes, then the backend ends", client_fins,
     "session ended side=client cause=\"client ended its stream\" code=1000 duration=1.500s up=5 down=3"},
    {"client ends inside a frame", client_ends_inside,
     "session ended side=client cause=\"connection ended inside a message\" code=1002 duration=1.500s"},
    {"client breaks the rules", client_violates, "session ended side=client cause=\""},
    {"backend ends", backend_fins,
     "session ended side=backend cause=\"target closed\" code=1000 duration=1.500s"},
    {"backend resets", backend_resets,
     "session ended side=backend cause=\"target reset the connection\" code=1011 duration=1.500s up=5 "
     "down=3"},
    {"backend ends, then the client inside a frame", both_end,
     "session ended side=backend cause=\"target closed\" code=1000 duration=1.500s"},
    {"client times out", client_times_out,
     "session ended side=client cause=\"client timed out\" code=0 duration=1.500s up=5 down=3"},
    {"backend times out", backend_times_out,
     "session ended side=backend cause=\"target timed out\" code=1011 duration=1.500s up=5 down=3"},
    {"drain", drain, "session ended side=wsluice cause=\"going away\" code=1001 duration=1.500s up=5 down=3"},
    {"cut", cut, "session ended side=wsluice cause=\"cut at stop\" code=0 duration=1.500s up=5 down=3"},
    {"no pong", no_pong, "session ended side=wsluice cause=\"no answer to ping\" code=1011"},
    {"idle", idle, "session ended side=wsluice cause=\"idle\" code=1001"},
};

static void play(void **state) {
  const struct row *row = *state;
  struct world w;
  world_init(&w);
  w.settings.heartbeat_ms = 25000;
  world_open(&w);
  client_data(&w, "12345");
  peer_send(&w.backend, "123", 3);
  world_rest(&w);
  world_advance(&w, 1500);
  row->end(&w);
  world_rest(&w);
  assert_session_gone(&w);
  size_t len = strlen(row->line);
  if (strncmp(world_last_line(), row->line, len) != 0) assert_string_equal(world_last_line(), row->line);
  assert_null(strstr(world_last_line(), "note="));
  world_end(&w);
}

static void a_unix_socket_knows_no_reset(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.target.unix_path = "/run/service";
  world_open(&w);
  peer_reset(&w.client);
  world_rest(&w);
  assert_non_null(strstr(world_last_line(), "Unix sockets have no reset"));
  world_end(&w);
}

static void but_it_knows_an_end(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.target.unix_path = "/run/service";
  world_open(&w);
  backend_fins(&w);
  assert_null(strstr(world_last_line(), "note="));
  world_end(&w);
}

int main(void) {
  static struct CMUnitTest tests[COUNT_OF(rows) + 2];
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    tests[i] = (struct CMUnitTest){
        .name = rows[i].name, .test_func = play, .initial_state = (void *)(uintptr_t)&rows[i]};
  tests[COUNT_OF(rows)] = (struct CMUnitTest)cmocka_unit_test(a_unix_socket_knows_no_reset);
  tests[COUNT_OF(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(but_it_knows_an_end);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
