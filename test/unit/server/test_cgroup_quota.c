/* What a cgroup's quota pays for, in the file systems of v1 and v2 as hosts and containers show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cgroup_quota.h"

#define FILES_MAX 8
#define PATH_SIZE 512

struct file {
  const char *path; /* below the folder of the test; "self" has the memberships */
  const char *text;
};

struct row {
  const char *name;
  unsigned processors;
  struct file files[FILES_MAX];
};

static const struct row rows[] = {
    {"no cgroups", 0, {{NULL, NULL}}},
    {"v2 without a quota", 0, {{"self", "0::/\n"}, {"cpu.max", "max 100000\n"}}},
    {"v2 in a container: its group is the mount", 2, {{"self", "0::/\n"}, {"cpu.max", "200000 100000\n"}}},
    {"v2 with the host's path", 3, {{"self", "0::/docker/ab\n"}, {"cpu.max", "300000 100000\n"}}},
    {"v2 own group", 2, {{"self", "0::/a/b\n"}, {"a/b/cpu.max", "150000 100000\n"}}},
    {"v2 the group above is tighter",
     1,
     {{"self", "0::/a/b\n"}, {"a/cpu.max", "100000 100000\n"}, {"a/b/cpu.max", "400000 100000\n"}}},
    {"v2 the own group is tighter",
     2,
     {{"self", "0::/a/b\n"}, {"a/cpu.max", "max 100000\n"}, {"a/b/cpu.max", "200000 100000\n"}}},
    {"v2 a part of one processor", 1, {{"self", "0::/\n"}, {"cpu.max", "5000 100000\n"}}},
    {"v2 another period", 4, {{"self", "0::/\n"}, {"cpu.max", "35000 10000\n"}}},
    {"v2 another's group", 0, {{"self", "0::/ab\n"}, {"a/cpu.max", "100000 100000\n"}}},
    {"v1 without a quota",
     0,
     {{"self", "4:cpu,cpuacct:/\n"},
      {"cpu/cpu.cfs_quota_us", "-1\n"},
      {"cpu/cpu.cfs_period_us", "100000\n"}}},
    {"v1 in a container",
     2,
     {{"self", "4:cpu,cpuacct:/docker/ab\n"},
      {"cpu/cpu.cfs_quota_us", "150000\n"},
      {"cpu/cpu.cfs_period_us", "100000\n"}}},
    {"v1 own group, without the link",
     3,
     {{"self", "5:memory:/x\n4:cpuacct,cpu:/a\n0::/\n"},
      {"cpuacct,cpu/a/cpu.cfs_quota_us", "300000\n"},
      {"cpuacct,cpu/a/cpu.cfs_period_us", "100000\n"}}},
    {"v1 the group above is tighter",
     1,
     {{"self", "1:cpu:/a/b\n"},
      {"cpu/a/cpu.cfs_quota_us", "50000\n"},
      {"cpu/a/cpu.cfs_period_us", "100000\n"},
      {"cpu/a/b/cpu.cfs_quota_us", "400000\n"},
      {"cpu/a/b/cpu.cfs_period_us", "100000\n"}}},
    {"v1 another controller's group",
     0,
     {{"self", "3:cpuset:/a\n1:cpu:/\n"},
      {"cpu/a/cpu.cfs_quota_us", "100000\n"},
      {"cpu/a/cpu.cfs_period_us", "100000\n"}}},
    {"both: the tighter",
     2,
     {{"self", "1:cpu:/\n0::/\n"},
      {"cpu/cpu.cfs_quota_us", "200000\n"},
      {"cpu/cpu.cfs_period_us", "100000\n"},
      {"cpu.max", "300000 100000\n"}}},
    {"nonsense", 0, {{"self", "0::/\nx\n1:\n::\n"}, {"cpu.max", "-7 0\n"}}},
    {"no period", 0, {{"self", "0::/\n"}, {"cpu.max", "100000\n"}}},
    {"a period of nothing", 0, {{"self", "0::/\n"}, {"cpu.max", "100000 0\n"}}},
    {"more than there can be", 0, {{"self", "0::/\n"}, {"cpu.max", "18446744073709551615 1\n"}}},
    {"an empty file", 0, {{"self", "0::/\n"}, {"cpu.max", ""}}},
};

static char folder[] = "/tmp/wsluice-cgroup-XXXXXX";

static void write_file(const struct file *file) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/%s", folder, file->path);
  for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    *slash = '/';
  }
  FILE *opened = fopen(path, "we");
  assert_non_null(opened);
  assert_true(fputs(file->text, opened) >= 0);
  assert_int_equal(fclose(opened), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at) {
  (void)status;
  (void)kind;
  (void)at;
  return remove(path);
}

static void quotas_are_read_as_the_kernel_shows_them(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (const struct file *file = rows[i].files; file->path != NULL; file++)
      write_file(file);
    char memberships[PATH_SIZE];
    snprintf(memberships, sizeof memberships, "%s/self", folder);
    unsigned found = cgroup_quota(folder, memberships);
    if (found != rows[i].processors) print_error("%s\n", rows[i].name);
    assert_int_equal(found, rows[i].processors);
    assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quotas_are_read_as_the_kernel_shows_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
