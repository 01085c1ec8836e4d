/* A pair of connections; see relay.h. */
#include "relay.h"

#include <stdbool.h>
#include <stdlib.h>

struct pair;

struct end {
  uv_tcp_t tcp;
  struct pair *pair;
  struct end *other;
  struct relay_buffer *held; /* read here, still leaving by the other end */
  uv_write_t write;          /* of `held` */
  uv_shutdown_t shutdown;    /* of the other end, once this one's stream is over */
  bool is_over;              /* its stream has ended */
};

struct pair {
  struct end client;
  struct end backend;
  uv_connect_t connect;
  struct relay_pool *pool;
  unsigned open_handles;
};

static struct end *end_of(uv_handle_t *handle) {
  return handle->data;
}

static struct relay_buffer *buffer_borrow(struct relay_pool *pool) {
  struct relay_buffer *buffer = pool->free;
  if (buffer == NULL) return malloc(sizeof *buffer + pool->buffer_size);
  pool->free = buffer->next;
  return buffer;
}

static void buffer_return(struct relay_pool *pool, struct relay_buffer *buffer) {
  buffer->next = pool->free;
  pool->free = buffer;
}

static void on_closed(uv_handle_t *handle) {
  struct pair *pair = end_of(handle)->pair;
  if (--pair->open_handles == 0) free(pair);
}

/* A pair that did not end in order: the others must be able to tell, so they get a reset. */
static void abort_end(struct end *end) {
  if (uv_is_closing((uv_handle_t *)&end->tcp)) return;
  if (uv_tcp_close_reset(&end->tcp, on_closed) != 0) uv_close((uv_handle_t *)&end->tcp, on_closed);
}

static void abort_pair(struct pair *pair) {
  abort_end(&pair->client);
  abort_end(&pair->backend);
}

static void close_pair(struct pair *pair) {
  uv_close((uv_handle_t *)&pair->client.tcp, on_closed);
  uv_close((uv_handle_t *)&pair->backend.tcp, on_closed);
}

static void start_reading(struct end *end);

/* A write ends before its handle is closed, with UV_ECANCELED then. */
static void on_written(uv_write_t *request, int status) {
  struct end *end = request->data;
  buffer_return(end->pair->pool, end->held);
  end->held = NULL;
  if (uv_is_closing((uv_handle_t *)&end->tcp)) return;
  if (status != 0) {
    abort_pair(end->pair);
    return;
  }
  start_reading(end);
}

/* The kernel took `sent` of `len` bytes: the buffer stays here until it takes the rest. */
static int hold(struct end *end, struct relay_buffer *buffer, size_t sent, size_t len) {
  end->held = buffer;
  end->write.data = end;
  uv_read_stop((uv_stream_t *)&end->tcp);
  uv_buf_t rest = uv_buf_init(buffer->data + sent, (unsigned)(len - sent));
  int error = uv_write(&end->write, (uv_stream_t *)&end->other->tcp, &rest, 1, on_written);
  if (error != 0) end->held = NULL;
  return error;
}

static void forward(struct end *end, struct relay_buffer *buffer, size_t len) {
  uv_buf_t all = uv_buf_init(buffer->data, (unsigned)len);
  int sent = uv_try_write((uv_stream_t *)&end->other->tcp, &all, 1);
  if (sent == UV_EAGAIN) sent = 0;
  if (sent >= 0 && (size_t)sent < len && hold(end, buffer, (size_t)sent, len) == 0) return;
  buffer_return(end->pair->pool, buffer);
  if (sent < 0 || (size_t)sent < len) abort_pair(end->pair);
}

/* Both streams are over and their last bytes have left: nothing is owed to anybody. */
static void on_shut_down(uv_shutdown_t *request, int status) {
  struct end *end = request->data;
  if (uv_is_closing((uv_handle_t *)&end->tcp)) return;
  if (status != 0) {
    abort_pair(end->pair);
    return;
  }
  end->is_over = true;
  if (end->other->is_over) close_pair(end->pair);
}

/* The end of one stream is passed on; the other direction goes on until it ends, too. */
static void pass_end_on(struct end *end) {
  uv_read_stop((uv_stream_t *)&end->tcp);
  end->shutdown.data = end;
  int error = uv_shutdown(&end->shutdown, (uv_stream_t *)&end->other->tcp, on_shut_down);
  if (error != 0) abort_pair(end->pair);
}

static struct relay_buffer *buffer_of(const uv_buf_t *buf) {
  return (struct relay_buffer *)(void *)(buf->base - offsetof(struct relay_buffer, data));
}

/* An end or an error may come without a buffer. */
static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf) {
  struct end *end = end_of((uv_handle_t *)stream);
  if (got > 0) {
    forward(end, buffer_of(buf), (size_t)got);
    return;
  }
  if (buf->base != NULL) buffer_return(end->pair->pool, buffer_of(buf));
  if (got == UV_EOF) {
    pass_end_on(end);
  } else if (got < 0) {
    abort_pair(end->pair);
  }
}

/* Without memory libuv reports UV_ENOBUFS to on_read(). */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)suggested;
  struct relay_pool *pool = end_of(handle)->pair->pool;
  struct relay_buffer *buffer = buffer_borrow(pool);
  *buf = buffer == NULL ? uv_buf_init(NULL, 0) : uv_buf_init(buffer->data, (unsigned)pool->buffer_size);
}

static void start_reading(struct end *end) {
  if (uv_read_start((uv_stream_t *)&end->tcp, on_alloc, on_read) != 0) abort_pair(end->pair);
}

static void on_connected(uv_connect_t *request, int status) {
  struct pair *pair = request->data;
  if (uv_is_closing((uv_handle_t *)&pair->client.tcp)) return;
  if (status != 0) {
    abort_pair(pair);
    return;
  }
  uv_tcp_nodelay(&pair->client.tcp, 1);
  uv_tcp_nodelay(&pair->backend.tcp, 1);
  start_reading(&pair->backend);
  start_reading(&pair->client);
}

static void init_end(uv_loop_t *loop, struct end *end, struct end *other, struct pair *pair) {
  uv_tcp_init(loop, &end->tcp); /* makes no descriptor yet and can't fail */
  end->tcp.data = end;
  end->other = other;
  end->pair = pair;
  pair->open_handles++;
}

int relay_accept(uv_stream_t *listener, struct relay_pool *pool, const struct sockaddr *target) {
  struct pair *pair = calloc(1, sizeof *pair);
  if (pair == NULL) return UV_ENOMEM;
  pair->pool = pool;
  init_end(listener->loop, &pair->client, &pair->backend, pair);
  init_end(listener->loop, &pair->backend, &pair->client, pair);
  pair->connect.data = pair;
  int error = uv_accept(listener, (uv_stream_t *)&pair->client.tcp);
  if (error == 0) error = uv_tcp_connect(&pair->connect, &pair->backend.tcp, target, on_connected);
  if (error != 0) abort_pair(pair);
  return error;
}
