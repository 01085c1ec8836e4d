/* core/error: every error has a name and a sentence of its own, and errno values find theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"

#include <errno.h>
#include <limits.h>

static void every_error_has_its_own_name_and_text(void **state) {
  (void)state;
  for (int a = WSL_OK; a >= WSL_PROGRAM_FAILED; a--) {
    assert_true(strlen(error_name(a)) > 1);
    assert_true(strlen(error_text(a)) > 4);
    assert_int_not_equal(error_text(a)[strlen(error_text(a)) - 1], '.');
    assert_memory_equal(error_text_for_log(a), error_text(a), strlen(error_text(a)));
    for (int b = a - 1; b >= WSL_PROGRAM_FAILED; b--) {
      assert_string_not_equal(error_name(a), error_name(b));
      assert_string_not_equal(error_text(a), error_text(b));
    }
  }
  assert_string_equal(error_name(WSL_REFUSED), "REFUSED");
  assert_string_equal(error_text(WSL_REFUSED), "Connection refused");
}

/* What a peer is told has no advice in it, since it is no operator. */
static void advice_is_for_the_log(void **state) {
  (void)state;
  assert_string_equal(error_text(WSL_NO_PORT), "No free local port toward the target");
  assert_non_null(strstr(error_text_for_log(WSL_NO_PORT), "--source-address"));
  assert_string_equal(error_text_for_log(WSL_REFUSED), error_text(WSL_REFUSED));
  for (int e = WSL_OK; e >= WSL_PROGRAM_FAILED; e--)
    assert_null(strstr(error_text(e), "--"));
}

static void values_that_are_no_errors_are_unknown(void **state) {
  (void)state;
  const int odd[] = {1, INT_MAX, WSL_PROGRAM_FAILED - 1, -4095, INT_MIN};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
    assert_string_equal(error_name(odd[i]), "UNKNOWN");
    assert_string_equal(error_text(odd[i]), "Unknown error");
    assert_string_equal(error_text_for_log(odd[i]), "Unknown error");
  }
}

static void errno_values_map(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int system_errno;
    int error;
  } rows[] = {
      {"success", 0, WSL_OK},
      {"would block", EAGAIN, WSL_AGAIN},
      {"connecting", EINPROGRESS, WSL_AGAIN},
      {"reset", ECONNRESET, WSL_RESET},
      {"libuv's reset", -ECONNRESET, WSL_RESET},
      {"broken pipe", EPIPE, WSL_BROKEN},
      {"shutdown of what was reset", ENOTCONN, WSL_BROKEN},
      {"timed out", ETIMEDOUT, WSL_TIMED_OUT},
      {"refused", ECONNREFUSED, WSL_REFUSED},
      {"libuv's refused", -ECONNREFUSED, WSL_REFUSED},
      {"no route to host", EHOSTUNREACH, WSL_UNREACHABLE},
      {"no route to network", ENETUNREACH, WSL_UNREACHABLE},
      {"descriptors of the process", EMFILE, WSL_NO_DESCRIPTOR},
      {"descriptors of the system", ENFILE, WSL_NO_DESCRIPTOR},
      {"ports", EADDRNOTAVAIL, WSL_NO_PORT},
      {"memory", ENOMEM, WSL_NO_MEMORY},
      {"kernel buffers", ENOBUFS, WSL_NO_MEMORY},
      {"permission", EACCES, WSL_DENIED},
      {"privilege", EPERM, WSL_DENIED},
      {"no file", ENOENT, WSL_NOT_FOUND},
      {"no directory", ENOTDIR, WSL_NOT_FOUND},
      {"long name", ENAMETOOLONG, WSL_NOT_FOUND},
      {"symlink loop", ELOOP, WSL_NOT_FOUND},
      {"in use", EADDRINUSE, WSL_IN_USE},
      {"not supported", EOPNOTSUPP, WSL_UNSUPPORTED},
      {"no IPv6", EAFNOSUPPORT, WSL_UNSUPPORTED},
      {"invalid", EINVAL, WSL_INVALID},
      {"cancelled", ECANCELED, WSL_CANCELLED},
      {"disk full", ENOSPC, WSL_IO},
      {"libuv's unknown name", -3008, WSL_NAME_UNKNOWN},
      {"libuv's name without address", -3007, WSL_NAME_UNKNOWN},
      {"libuv's resolver failure", -3001, WSL_NAME_FAILED},
      {"libuv's end of file", -4095, WSL_IO},
      {"nonsense", INT_MIN, WSL_IO},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int error = error_from_errno(rows[i].system_errno);
    if (error != rows[i].error)
      fail_msg("%s: %s, not %s", rows[i].name, error_name(error), error_name(rows[i].error));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_error_has_its_own_name_and_text),
      cmocka_unit_test(advice_is_for_the_log),
      cmocka_unit_test(values_that_are_no_errors_are_unknown),
      cmocka_unit_test(errno_values_map),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
