/* fuzz: max_len=2048
 *
 * A file as a wrapped program's: ELF headers, notes and first lines of scripts that lead nowhere or round in
 * circles. The verdict comes, is the same twice, and is none but "works" for what is neither ELF nor script;
 * what has a loader is never called static.
 */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/wrap/program_file.h"
#include "fuzz/fuzz.h"

#define SEGMENTS_MAX 256 /* as the code under test has it */

static bool begins_with(const uint8_t *data, size_t size, const char *magic, size_t len) {
  return size >= len && memcmp(data, magic, len) == 0;
}

/* Whether a segment says that there is a loader, where all of them lie in the file as they should. */
static bool names_loader(const uint8_t *data, size_t size) {
  ElfW(Ehdr) header;
  if (size < sizeof header) return false;
  memcpy(&header, data, sizeof header);
  if (header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phoff > size) return false;
  for (size_t i = 0, at = header.e_phoff;
       i < header.e_phnum && i < SEGMENTS_MAX && at + sizeof(ElfW(Phdr)) <= size; i++) {
    ElfW(Phdr) segment;
    memcpy(&segment, data + at, sizeof segment);
    if (segment.p_type == PT_INTERP) return true;
    at += sizeof segment;
  }
  return false;
}

static enum preloading judge(int fd) {
  char path[64], judged[PATH_MAX];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  enum preloading verdict = program_file_judge(path, "/nowhere", judged);
  fuzz_check(memchr(judged, '\0', sizeof judged) != NULL, "what was judged has no end");
  fuzz_check(preloading_text(verdict)[0] != '\0', "verdict %d without words", (int)verdict);
  return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fd = memfd_create("program", MFD_CLOEXEC);
  fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no file to write to");
  enum preloading verdict = judge(fd);
  fuzz_check(judge(fd) == verdict, "another verdict the second time");
  bool is_elf = begins_with(data, size, ELFMAG, SELFMAG), is_script = begins_with(data, size, "#!", 2);
  fuzz_check(is_elf || is_script || verdict == PRELOADING_WORKS, "verdict %d on nothing", (int)verdict);
  fuzz_check(!is_elf || verdict != PRELOADING_STATIC || !names_loader(data, size), "static, with a loader");
  close(fd);
  return 0;
}
