/* core/list: order, removal from anywhere, and that a removed node is good for another list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/list.h"

struct item {
  int number;
  struct list node;
};

static void make_items(struct item *items, size_t count, struct list *head) {
  list_init(head);
  for (size_t i = 0; i < count; i++) {
    items[i].number = (int)i;
    list_append(head, &items[i].node);
  }
}

static void expect(struct list *head, const int *numbers, size_t count) {
  struct list *node = head->next;
  for (size_t i = 0; i < count; i++, node = node->next) {
    assert_ptr_not_equal(node, head);
    assert_int_equal(LIST_ENTRY(node, struct item, node)->number, numbers[i]);
    assert_ptr_equal(node->next->prev, node);
  }
  assert_ptr_equal(node, head);
}

static void nodes_leave_in_the_order_they_came(void **state) {
  (void)state;
  struct item items[3];
  struct list head;
  make_items(items, 3, &head);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(LIST_ENTRY(list_take_first(&head), struct item, node)->number, i);
  }
  assert_null(list_take_first(&head));
  assert_true(list_empty(&head));
}

static void removal_from_any_place(void **state) {
  (void)state;
  static const int left[3][2] = {{1, 2}, {0, 2}, {0, 1}};
  for (size_t removed = 0; removed < 3; removed++) {
    struct item items[3];
    struct list head;
    make_items(items, 3, &head);
    list_remove(&items[removed].node);
    list_remove(&items[removed].node); /* harmless: it is in no list */
    expect(&head, left[removed], 2);
  }
}

static void moving_all(void **state) {
  (void)state;
  struct item first[2], second[2];
  struct list to, from;
  make_items(first, 2, &to);
  make_items(second, 2, &from);
  list_move_all(&to, &from);
  assert_true(list_empty(&from));
  expect(&to, (const int[]){0, 1, 0, 1}, 4);
  list_move_all(&to, &from);
  expect(&to, (const int[]){0, 1, 0, 1}, 4);
  list_move_all(&from, &to);
  assert_true(list_empty(&to));
  expect(&from, (const int[]){0, 1, 0, 1}, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nodes_leave_in_the_order_they_came),
      cmocka_unit_test(removal_from_any_place),
      cmocka_unit_test(moving_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
