/* fuzz: max_len=512
 *
 * URLs with a token in them, and what servers say instead: whatever the token, the URL asks the same host for
 * the same path but for the token, which decodes to itself; a reference resolves to a URL or to none, and
 * what resolves against itself stays. Cookies come whole out of their header.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/http/cookie.h"
#include "codec/http/percent.h"
#include "codec/http/url_template.h"
#include "fuzz/fuzz.h"

static void check_inside(const struct url *url, struct wsl_span text) {
  fuzz_check(fuzz_within(url->authority, text.at, text.len) && fuzz_within(url->target, text.at, text.len) &&
                 fuzz_within(url->userinfo, text.at, text.len),
             "pieces from elsewhere");
  fuzz_check(url->host[0] != '\0' && strpbrk(url->host, "[]/?#@ ") == NULL && url->port > 0, "host and port");
  fuzz_check(url->target.len == 0 || url->target.at[0] == '/' || url->target.at[0] == '?', "a target");
  for (size_t i = 0; i < url->target.len; i++)
    fuzz_check(url->target.at[i] > ' ' && url->target.at[i] < 0x7f && url->target.at[i] != '#',
               "a byte of a target");
}

/* Filled with the token and taken apart again. */
static void check_token(const struct url_template *template, const struct url *plain, struct wsl_span token) {
  size_t room = url_template_room(template, token.len);
  char *text = fuzz_memory(room), *again = fuzz_memory(room);
  size_t len = url_template_fill(template, token, text);
  struct url url;
  fuzz_check(len <= room, "longer than its room");
  fuzz_check(url_read((struct wsl_span){text, len}, &url) == NULL, "a token makes it none");
  check_inside(&url, (struct wsl_span){text, len});
  fuzz_check(url.scheme == plain->scheme && url.port == plain->port && strcmp(url.host, plain->host) == 0,
             "a token changes the host");
  size_t grown = len - template->len;
  fuzz_check(url.target.len == plain->target.len + grown, "a token changes the rest");
  size_t decoded = percent_decode((struct wsl_span){text + template->mark, grown}, again);
  fuzz_check(decoded == token.len && memcmp(again, token.at, token.len) == 0, "the token there and back");
  fuzz_check(
      memchr(text + template->mark, '/', grown) == NULL && memchr(text + template->mark, '&', grown) == NULL,
      "a token that is more than a piece");
  free(text);
  free(again);
}

static void check_template(struct wsl_span source, struct wsl_span token) {
  char *text = fuzz_text(source), *out = fuzz_memory(strlen(text) + 1);
  struct url_template template;
  struct url url;
  if (url_template_read(text, out, &template) == NULL) {
    fuzz_check(template.len < strlen(text), "the mark is taken out");
    fuzz_check(url_read((struct wsl_span){out, template.len}, &url) == NULL, "a template is a URL");
    check_token(&template, &url, token);
  }
  free(text);
  free(out);
}

static void check_reference(struct wsl_span base_text, struct wsl_span reference) {
  struct url base, url, again;
  if (url_read(base_text, &base) != NULL) return;
  check_inside(&base, base_text);
  size_t cap = base_text.len + reference.len + 9;
  char *out = fuzz_memory(cap), *twice = fuzz_memory(2 * cap + 9);
  size_t len = url_resolve(&base, reference, out, cap);
  fuzz_check(len > 0 && len < cap, "there is room");
  struct wsl_span resolved = {out, len};
  if (url_read(resolved, &url) == NULL) {
    check_inside(&url, resolved);
    size_t twice_len = url_resolve(&url, resolved, twice, 2 * cap + 9);
    fuzz_check(wsl_span_equal((struct wsl_span){twice, twice_len}, resolved), "an absolute one stays");
    fuzz_check(url_read((struct wsl_span){twice, twice_len}, &again) == NULL, "and is one");
  }
  free(out);
  free(twice);
}

static void check_cookie(struct wsl_span header, struct wsl_span name) {
  struct wsl_span value;
  if (!cookie_value(header, name, &value)) return;
  fuzz_check(value.len > 0 && fuzz_within(value, header.at, header.len), "a value inside");
  fuzz_check(memchr(value.at, ';', value.len) == NULL, "a value within its piece");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct wsl_span first = fuzz_piece(&input, '\n');
  char *url = fuzz_copy(first.at, first.len), *rest = fuzz_copy(input.at, input.len);
  struct wsl_span a = {url, first.len}, b = {rest, input.len};
  check_template(a, b);
  check_reference(a, b);
  check_cookie(b, a);
  free(url);
  free(rest);
  return 0;
}
