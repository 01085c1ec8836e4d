/* Intrusive doubly linked list: the node lives inside the thing that is listed.
 *
 * No allocation, O(1) insert and remove. A node is in at most one list at a time; a node that is in
 * none points at itself. Not thread-safe.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
  struct list *next;
  struct list *prev;
};

/* The object of type `type` whose member `member` is the node `node`. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* Makes an empty list head, or a node that is in no list. */
static inline void list_init(struct list *node) {
  node->next = node;
  node->prev = node;
}

static inline bool list_empty(const struct list *head) {
  return head->next == head;
}

/* Appends `node` (which must be in no list) at the end of `head`'s list. */
static inline void list_append(struct list *head, struct list *node) {
  node->prev = head->prev;
  node->next = head;
  head->prev->next = node;
  head->prev = node;
}

/* Takes `node` out of its list; harmless for a node that is in none. */
static inline void list_remove(struct list *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  list_init(node);
}

/* Takes the first node out, or returns NULL when the list is empty. */
static inline struct list *list_take_first(struct list *head) {
  struct list *first = head->next;
  if (first == head) return NULL;
  list_remove(first); /* NOLINT(clang-analyzer-unix.Malloc): sees no link to a node freed before */
  return first;
}

/* Moves every node of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_move_all(struct list *to, struct list *from) {
  if (list_empty(from)) return;
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  list_init(from);
}

#endif
