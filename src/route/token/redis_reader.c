/* See route/token/redis_reader.h. hiredis would build a tree of objects: told to build none, it keeps a mark
 * where one would be (its type as a pointer), and we copy the one text that may matter.
 */
#include "route/token/redis_reader.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/error.h"

struct redis_reader {
  redisReader *resp;
  char text[REDIS_VALUE_MAX];
  size_t text_len;
  enum redis_reply_kind kind;
};

/* What stands for a text; never read. */
static char text_mark;

static enum redis_reply_kind kind_of_text(int type) {
  switch (type) {
    case REDIS_REPLY_STRING:
      return REDIS_VALUE;
    case REDIS_REPLY_STATUS:
      return REDIS_STATUS;
    case REDIS_REPLY_ERROR:
      return REDIS_ERROR;
    default:
      return REDIS_OTHER;
  }
}

/* For every text, those in arrays too: only one that is the whole reply is kept. */
static void *keep_text(const redisReadTask *task, char *text, size_t len) {
  struct redis_reader *reader = task->privdata;
  if (task->parent != NULL) return &text_mark;
  reader->kind = len <= REDIS_VALUE_MAX ? kind_of_text(task->type) : REDIS_OTHER;
  reader->text_len = reader->kind == REDIS_OTHER ? 0 : len;
  memcpy(reader->text, text, reader->text_len);
  return &text_mark;
}

static void free_nothing(void *object) {
  (void)object;
}

struct redis_reader *redis_reader_open(void) {
  static redisReplyObjectFunctions functions = {.createString = keep_text, .freeObject = free_nothing};
  struct redis_reader *reader = malloc(sizeof *reader);
  if (reader == NULL) return NULL;
  reader->resp = redisReaderCreateWithFunctions(&functions);
  if (reader->resp == NULL) {
    free(reader);
    return NULL;
  }
  reader->resp->privdata = reader;
  return reader;
}

void redis_reader_close(struct redis_reader *reader) {
  if (reader == NULL) return;
  redisReaderFree(reader->resp);
  free(reader);
}

int redis_reader_feed(struct redis_reader *reader, const void *bytes, size_t len) {
  if (reader->resp->len - reader->resp->pos + len > REDIS_UNREAD_MAX) return WSL_INVALID;
  return redisReaderFeed(reader->resp, bytes, len) == REDIS_OK ? WSL_OK : WSL_NO_MEMORY;
}

enum redis_next redis_reader_next(struct redis_reader *reader, struct redis_reply *reply) {
  void *object = NULL;
  if (redisReaderGetReply(reader->resp, &object) != REDIS_OK) return REDIS_BROKEN;
  if (object == NULL) return REDIS_NOT_YET;
  reply->text = (struct wsl_span){NULL, 0};
  reply->kind = (uintptr_t)object == REDIS_REPLY_NIL ? REDIS_NIL : REDIS_OTHER;
  if (object != &text_mark) return REDIS_REPLY;
  reply->kind = reader->kind;
  reply->text = (struct wsl_span){reader->text, reader->text_len};
  return REDIS_REPLY;
}
