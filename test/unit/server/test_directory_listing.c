/* Listings of directories: names of every kind become links that lead to them and text that is no markup; a
 * directory too large for a page is shown in part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "server/files/directory_listing.h"

#define NAME_LEN 250

struct folder {
  char path[64];
  int fd;
};

static struct folder make_folder(void) {
  struct folder folder = {.path = "listing-XXXXXX"};
  assert_non_null(mkdtemp(folder.path));
  folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(folder.fd >= 0);
  return folder;
}

static void add_file(const struct folder *folder, const char *name) {
  int fd = openat(folder->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  close(fd);
}

static void drop_folder(struct folder *folder) {
  char command[128];
  close(folder->fd);
  snprintf(command, sizeof command, "rm -rf '%s'", folder->path);
  assert_int_equal(system(command), 0);
}

/* The page, terminated; the caller frees it. */
static char *page_of(const struct folder *folder, const char *path) {
  struct listing listing = {0};
  assert_int_equal(directory_listing_make(folder->fd, path, &listing), 0);
  assert_true(listing.len <= LISTING_BYTES_MAX);
  char *page = calloc(1, listing.len + 1); /* not strndup(): under ASan that looks for a NUL behind the end */
  assert_non_null(page);
  memcpy(page, listing.html, listing.len);
  assert_int_equal(strlen(page), listing.len);
  free(listing.html);
  return page;
}

static void names_are_links_and_text(void **state) {
  (void)state;
  struct folder folder = make_folder();
  add_file(&folder, "b.txt");
  add_file(&folder, "<script>&\"'");
  add_file(&folder, "javascript:alert(1)");
  add_file(&folder, "100% a b?#");
  add_file(&folder, "\xFF\xFE");
  add_file(&folder, "line\nfeed");
  add_file(&folder, ".hidden");
  assert_int_equal(mkdirat(folder.fd, "a folder", 0700), 0);
  assert_int_equal(symlinkat("a folder", folder.fd, "link"), 0);
  assert_int_equal(symlinkat("nowhere", folder.fd, "lost"), 0);
  char *page = page_of(&folder, "x/<y>");
  assert_non_null(strstr(page, "<title>Index of /x/&lt;y&gt;</title>"));
  assert_non_null(strstr(page, "<a href=\"../\">../</a>"));
  assert_non_null(strstr(page, "<a href=\"b.txt\">b.txt</a>"));
  assert_non_null(strstr(page, "<a href=\"%3Cscript%3E%26%22%27\">&lt;script&gt;&amp;&quot;'</a>"));
  assert_non_null(strstr(page, "<a href=\"javascript%3Aalert%281%29\">javascript:alert(1)</a>"));
  assert_non_null(strstr(page, "<a href=\"100%25%20a%20b%3F%23\">100% a b?#</a>"));
  assert_non_null(strstr(page, "<a href=\"%FF%FE\">\xEF\xBF\xBD\xEF\xBF\xBD</a>"));
  assert_non_null(strstr(page,
                         "<a href=\"line%0Afeed\">line\xEF\xBF\xBD"
                         "feed</a>"));
  assert_non_null(strstr(page, "<a href=\"a%20folder/\">a folder/</a>"));
  assert_non_null(strstr(page, "<a href=\"link/\">link/</a>"));
  assert_non_null(strstr(page, "<a href=\"lost\">lost</a>"));
  assert_null(strstr(page, "hidden"));
  assert_true(strstr(page, "a folder") < strstr(page, "b.txt"));
  assert_null(strstr(page, "more than"));
  free(page);
  drop_folder(&folder);
}

static void the_root_has_no_way_up(void **state) {
  (void)state;
  struct folder folder = make_folder();
  char *page = page_of(&folder, "");
  assert_non_null(strstr(page, "<h1>Index of /</h1>"));
  assert_null(strstr(page, "../"));
  free(page);
  drop_folder(&folder);
}

/* Names whose links take three bytes for one. */
static void fill(const struct folder *folder, int count) {
  char name[NAME_LEN + 1];
  memset(name, '&', NAME_LEN);
  name[NAME_LEN] = '\0';
  for (int i = 0; i < count; i++) {
    char number[16];
    snprintf(number, sizeof(number), "%07d", i);
    memcpy(name, number, 7);
    add_file(folder, name);
  }
}

static void a_page_has_its_bounds(void **state) {
  (void)state;
  struct folder folder = make_folder();
  fill(&folder, 300);
  char *page = page_of(&folder, "");
  assert_non_null(strstr(page, "There are more than are shown here."));
  assert_non_null(strstr(page, "</a></li>\n</ul>\n"));
  assert_string_equal(page + strlen(page) - 8, "</html>\n");
  free(page);
  fill(&folder, 1200); /* more names than are read */
  page = page_of(&folder, "");
  assert_non_null(strstr(page, "There are more than are shown here."));
  free(page);
  drop_folder(&folder);
}

static void what_is_no_directory_is_an_error(void **state) {
  (void)state;
  struct listing listing;
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_int_not_equal(directory_listing_make(fd, "", &listing), 0);
  close(fd);
  assert_int_not_equal(directory_listing_make(-1, "", &listing), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_links_and_text),
      cmocka_unit_test(the_root_has_no_way_up),
      cmocka_unit_test(a_page_has_its_bounds),
      cmocka_unit_test(what_is_no_directory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
