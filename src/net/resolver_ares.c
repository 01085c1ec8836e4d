/* Names by c-ares (resolver_library.h): DNS over sockets of its own on the worker's loop, no thread.
 *
 * c-ares says which of its sockets want what (on_socket_state), each gets a uv_poll_t; its time-outs
 * are one uv_timer_t, set anew after everything that may have changed them. It reads resolv.conf only
 * when a channel is made, so the channel is made anew when that file has changed: a service started at
 * boot may be there before the network is.
 */
#include "net/resolver_library.h"

#if defined(WSLUICE_HAVE_CARES)

#include <ares.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "core/error.h"
#include "core/list.h"

/* First wait for a name server's answer and how often each is asked: a dial's 10 s then still reach a
 * second server when the first is dead. */
#define ASK_TIMEOUT_MS 2000
#define ASK_TRIES      2

/* Entries that libuv's table of descriptors has beyond the highest one, before it is rounded up. */
#define UV_TABLE_SPARE 3u

#define RESOLV_CONF "/etc/resolv.conf"

/* What tells one state of resolv.conf from another; all zero when there is none. */
struct conf_stamp {
  struct timespec modified;
  dev_t device;
  ino_t inode;
  off_t size;
};

struct resolver {
  uv_loop_t *loop;
  uv_timer_t timer;
  ares_channel channel;
  struct conf_stamp conf; /* as it was when the channel was made */
  struct list sockets;    /* socket_watch */
  size_t asked;           /* requests without an answer, cancelled ones included */
  unsigned open_handles;  /* the last one's close callback frees the resolver */
};

struct socket_watch {
  struct list node;
  struct resolver *resolver;
  ares_socket_t socket;
  uv_poll_t poll;
};

/* One request's way through c-ares, which passes a single pointer back. */
struct asking {
  struct resolver *resolver;
  struct resolver_request *request;
};

static void handle_gone(struct resolver *resolver) {
  if (--resolver->open_handles == 0) free(resolver);
}

static struct conf_stamp look_at_conf(void) {
  struct conf_stamp stamp;
  struct stat status;
  memset(&stamp, 0, sizeof stamp);
  if (stat(RESOLV_CONF, &status) != 0) return stamp;
#if defined(__APPLE__)
  stamp.modified = status.st_mtimespec;
#else
  stamp.modified = status.st_mtim;
#endif
  stamp.device = status.st_dev;
  stamp.inode = status.st_ino;
  stamp.size = status.st_size;
  return stamp;
}

static bool same_conf(const struct conf_stamp *a, const struct conf_stamp *b) {
  return a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
         a->device == b->device && a->inode == b->inode && a->size == b->size;
}

static void process(struct resolver *resolver, ares_socket_t readable, ares_socket_t writable);

static void on_timer(uv_timer_t *timer) {
  process(timer->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void set_timer(struct resolver *resolver) {
  struct timeval left;
  if (ares_timeout(resolver->channel, NULL, &left) == NULL) {
    (void)uv_timer_stop(&resolver->timer);
    return;
  }
  /* Rounded up: a timer that fires early would find nothing due and spin. */
  uint64_t ms = (uint64_t)left.tv_sec * 1000 + ((uint64_t)left.tv_usec + 999) / 1000;
  (void)uv_timer_start(&resolver->timer, on_timer, ms > 0 ? ms : 1, 0);
}

static void process(struct resolver *resolver, ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(resolver->channel, readable, writable);
  set_timer(resolver);
}

/* An error (a UDP socket whose server refused) comes as a status, and libuv has stopped the handle:
 * c-ares finds it by reading, and closes the socket. The watch may be closing after process(). */
static void on_socket_ready(uv_poll_t *poll, int status, int events) {
  const struct socket_watch *watch = poll->data;
  bool readable = status < 0 || (events & UV_READABLE) != 0;
  bool writable = status < 0 || (events & UV_WRITABLE) != 0;
  process(watch->resolver, readable ? watch->socket : ARES_SOCKET_BAD,
          writable ? watch->socket : ARES_SOCKET_BAD);
}

static void on_watch_closed(uv_handle_t *handle) {
  struct socket_watch *watch = handle->data;
  struct resolver *resolver = watch->resolver;
  free(watch);
  handle_gone(resolver);
}

static struct socket_watch *find_watch(struct resolver *resolver, ares_socket_t socket) {
  for (struct list *node = resolver->sockets.next; node != &resolver->sockets; node = node->next) {
    struct socket_watch *watch = LIST_ENTRY(node, struct socket_watch, node);
    if (watch->socket == socket) return watch;
  }
  return NULL;
}

/* libuv ends the process where its table, which reaches to the highest descriptor watched and doubles, finds
 * no memory to grow: so that is tried first. */
static bool has_room_for(ares_socket_t socket) {
  void *volatile trial =
      malloc(((size_t)socket + UV_TABLE_SPARE) * 2 * sizeof(void *)); /* or it is left out */
  free(trial);
  return trial != NULL;
}

static struct socket_watch *add_watch(struct resolver *resolver, ares_socket_t socket) {
  if (!has_room_for(socket)) return NULL;
  struct socket_watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return NULL;
  if (uv_poll_init_socket(resolver->loop, &watch->poll, socket) != 0) {
    free(watch);
    return NULL;
  }
  watch->resolver = resolver;
  watch->socket = socket;
  watch->poll.data = watch;
  list_append(&resolver->sockets, &watch->node);
  resolver->open_handles++;
  return watch;
}

/* Wanting nothing means that c-ares is about to close the socket. Where no watch can be had, its
 * question runs into c-ares's time-out. */
static void on_socket_state(void *arg, ares_socket_t socket, int readable, int writable) {
  struct resolver *resolver = arg;
  struct socket_watch *watch = find_watch(resolver, socket);
  if (!readable && !writable) {
    if (watch == NULL) return;
    list_remove(&watch->node);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
    return;
  }
  if (watch == NULL) watch = add_watch(resolver, socket);
  if (watch == NULL) return;
  int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  (void)uv_poll_start(&watch->poll, events, on_socket_ready);
}

static uv_once_t library_once = UV_ONCE_INIT;
static int library_status;

/* Not thread-safe in old releases, and every worker has a resolver. Never cleaned up: it holds nothing. */
static void init_library(void) {
  library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

static int make_channel(struct resolver *resolver, ares_channel *channel) {
  struct ares_options options = {.timeout = ASK_TIMEOUT_MS,
                                 .tries = ASK_TRIES,
                                 .sock_state_cb = on_socket_state,
                                 .sock_state_cb_data = resolver};
  return ares_init_options(channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
}

/* Only while nothing is asked: a channel that goes ends its questions. Where a new one can't be made,
 * the old one goes on. */
static void follow_conf(struct resolver *resolver) {
  if (resolver->asked > 0) return;
  struct conf_stamp now = look_at_conf();
  if (same_conf(&now, &resolver->conf)) return;
  ares_channel fresh;
  if (make_channel(resolver, &fresh) != ARES_SUCCESS) return;
  ares_destroy(resolver->channel);
  resolver->channel = fresh;
  resolver->conf = now;
}

struct resolver *resolver_open(uv_loop_t *loop) {
  uv_once(&library_once, init_library);
  if (library_status != ARES_SUCCESS) return NULL;
  struct resolver *resolver = calloc(1, sizeof *resolver);
  if (resolver == NULL) return NULL;
  resolver->loop = loop;
  list_init(&resolver->sockets);
  resolver->conf = look_at_conf();
  if (make_channel(resolver, &resolver->channel) != ARES_SUCCESS) {
    free(resolver);
    return NULL;
  }
  (void)uv_timer_init(loop, &resolver->timer); /* cannot fail */
  resolver->timer.data = resolver;
  resolver->open_handles = 1;
  return resolver;
}

static void on_timer_closed(uv_handle_t *handle) {
  handle_gone(handle->data);
}

/* Destroying the channel answers what was cancelled and closes its sockets. */
void resolver_close(struct resolver *resolver) {
  ares_destroy(resolver->channel);
  assert(resolver->asked == 0);
  uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
}

static int error_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return WSL_OK;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
      return WSL_NAME_UNKNOWN;
    case ARES_ENOMEM:
      return WSL_NO_MEMORY;
    default:
      return WSL_NAME_FAILED;
  }
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *list) {
  (void)timeouts;
  struct asking *asking = arg;
  struct resolver *resolver = asking->resolver;
  struct resolver_request *request = asking->request;
  free(asking);
  struct resolver_found found = {.count = {0, 0}};
  if (list != NULL) {
    for (const struct ares_addrinfo_node *node = list->nodes; node != NULL; node = node->ai_next)
      resolver_found_add(&found, node->ai_addr, (socklen_t)node->ai_addrlen);
    ares_freeaddrinfo(list);
  }
  resolver_answer(request, error_of(status), &found);
  resolver->asked--; /* last: who asks from inside the callback must not replace the channel under it */
}

void resolver_library_ask(struct resolver *resolver, struct resolver_request *request, const char *host) {
  struct asking *asking = malloc(sizeof *asking);
  if (asking == NULL) {
    resolver_answer(request, WSL_NO_MEMORY, NULL);
    return;
  }
  *asking = (struct asking){.resolver = resolver, .request = request};
  follow_conf(resolver);
  resolver->asked++;
  const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  ares_getaddrinfo(resolver->channel, host, NULL, &hints, on_answer, asking);
  set_timer(resolver);
}

/* c-ares can only cancel all at once: the answer comes and is dropped. */
void resolver_library_cancel(struct resolver_request *request) {
  (void)request;
}

#endif
