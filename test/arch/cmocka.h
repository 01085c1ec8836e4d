/* As much of cmocka as the codec's unit tests use, in one header, for processors for which there is no
 * cmocka at hand (check.sh). A failed assertion names its line and ends the program.
 */
#ifndef ARCH_CMOCKA_H
#define ARCH_CMOCKA_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};

typedef int arch_fixture(void **state);

__attribute__((format(printf, 3, 4), noreturn)) static inline void arch_fail(const char *file, int line,
                                                                             const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static inline void arch_check(const char *file, int line, int holds, const char *what) {
  if (!holds) arch_fail(file, line, "%s", what);
}

static inline void arch_check_range(const char *file, int line, unsigned long long value,
                                    unsigned long long low, unsigned long long high) {
  if (value < low || value > high) arch_fail(file, line, "%llu, not %llu to %llu", value, low, high);
}

static inline int arch_run(const char *group, const struct CMUnitTest *tests, size_t count,
                           arch_fixture *set_up, arch_fixture *tear_down) {
  void *state = NULL;
  arch_check(group, 0, set_up == NULL || set_up(&state) == 0, "could not be set up");
  for (size_t i = 0; i < count; i++)
    tests[i].run(&state);
  arch_check(group, 0, tear_down == NULL || tear_down(&state) == 0, "could not be torn down");
  printf("  %s: %zu passed\n", group, count);
  return 0;
}

#define ARCH_CHECK(condition) arch_check(__FILE__, __LINE__, (condition), #condition)

/* cmocka's names. skip() counts as passed here: what the test prints says so. */
#define fail_msg(...)                  arch_fail(__FILE__, __LINE__, __VA_ARGS__)
#define print_message                  printf
#define skip()                         return
#define assert_true(condition)         ARCH_CHECK(condition)
#define assert_false(condition)        ARCH_CHECK(!(condition))
#define assert_null(pointer)           ARCH_CHECK((pointer) == NULL)
#define assert_non_null(pointer)       ARCH_CHECK((pointer) != NULL)
#define assert_int_equal(a, b)         ARCH_CHECK((a) == (b))
#define assert_int_not_equal(a, b)     ARCH_CHECK((a) != (b))
#define assert_ptr_equal(a, b)         ARCH_CHECK((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b)     ARCH_CHECK((const void *)(a) != (const void *)(b))
#define assert_string_equal(a, b)      ARCH_CHECK(strcmp((a), (b)) == 0)
#define assert_memory_equal(a, b, len) ARCH_CHECK(memcmp((a), (b), (len)) == 0)
#define assert_in_range(value, low, high)                                                      \
  arch_check_range(__FILE__, __LINE__, (unsigned long long)(value), (unsigned long long)(low), \
                   (unsigned long long)(high))

#define cmocka_unit_test(function) {#function, function}
#define cmocka_run_group_tests(tests, set_up, tear_down) \
  arch_run("all", (tests), sizeof(tests) / sizeof((tests)[0]), (set_up), (tear_down))
#define cmocka_run_group_tests_name(name, tests, set_up, tear_down) \
  arch_run((name), (tests), sizeof(tests) / sizeof((tests)[0]), (set_up), (tear_down))

#endif
