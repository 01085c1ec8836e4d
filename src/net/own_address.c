/* Asking for the type of the route to an address (net/own_address.h). */
#include "net/own_address.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum owned { OWNED_NO, OWNED_YES, OWNED_UNKNOWN };

/* One question: RTM_GETROUTE with one attribute, the address. */
struct question {
  struct nlmsghdr header;
  struct rtmsg route;
  struct rtattr attribute;
  uint8_t address[16];
};

/* A route's answer takes some 100 bytes. */
union answer {
  struct nlmsghdr header;
  uint8_t bytes[4096];
};

static size_t address_size(const struct bare_address *address) {
  return address->family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static struct question question_for(const struct bare_address *address) {
  size_t size = address_size(address);
  struct question question = {
      .header = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
      .route = {.rtm_family = (unsigned char)address->family, .rtm_dst_len = (unsigned char)(8 * size)},
      .attribute = {.rta_type = RTA_DST, .rta_len = (unsigned short)RTA_LENGTH(size)},
  };
  question.header.nlmsg_len = (uint32_t)(offsetof(struct question, address) + size);
  memcpy(question.address, address->bytes, size);
  return question;
}

/* An error is an answer, too: there is no route. */
static enum owned read_answer(int fd) {
  union answer answer;
  ssize_t got = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
  if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct rtmsg))) return OWNED_UNKNOWN;
  if (answer.header.nlmsg_type == NLMSG_ERROR) return OWNED_NO;
  if (answer.header.nlmsg_type != RTM_NEWROUTE) return OWNED_UNKNOWN;
  const struct rtmsg *route = NLMSG_DATA(&answer.header);
  return route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_ANYCAST ? OWNED_YES : OWNED_NO;
}

/* The kernel answers within the send. */
static enum owned ask_routes(const struct bare_address *address) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return OWNED_UNKNOWN;
  struct question question = question_for(address);
  enum owned owned = OWNED_UNKNOWN;
  if (send(fd, &question, question.header.nlmsg_len, MSG_DONTWAIT) == (ssize_t)question.header.nlmsg_len)
    owned = read_answer(fd);
  close(fd);
  return owned;
}

static bool can_be_bound(const struct bare_address *address) {
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  bool is_v4 = address->family == AF_INET;
  memcpy(is_v4 ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr, address->bytes, address_size(address));
  int fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  int bound = is_v4 ? bind(fd, (const struct sockaddr *)&v4, sizeof v4)
                    : bind(fd, (const struct sockaddr *)&v6, sizeof v6);
  close(fd);
  return bound == 0;
}

bool own_address(const struct bare_address *address) {
  if (address->family != AF_INET && address->family != AF_INET6) return false;
  enum owned owned = ask_routes(address);
  return owned == OWNED_UNKNOWN ? can_be_bound(address) : owned == OWNED_YES;
}
