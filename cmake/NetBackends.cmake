# wsl_net_backends: what src/net stands on, by option: the resolver's library and the poller's kind.
add_library(wsl_net_backends INTERFACE)
target_link_libraries(wsl_net_backends INTERFACE PkgConfig::UV)

if(WSLUICE_CARES)
  pkg_check_modules(CARES IMPORTED_TARGET libcares>=1.18)
endif()
if(WSLUICE_CARES AND CARES_FOUND)
  message(STATUS "Names are resolved with c-ares ${CARES_VERSION}")
  target_link_libraries(wsl_net_backends INTERFACE PkgConfig::CARES)
  target_compile_definitions(wsl_net_backends INTERFACE WSLUICE_HAVE_CARES)
elseif(WSLUICE_CARES)
  message(WARNING "c-ares 1.18 or newer was not found (Debian: libc-ares-dev). Names will be resolved with "
    "getaddrinfo in libuv's thread pool, where a slow DNS server holds a thread for each lookup. "
    "-DWSLUICE_CARES=OFF says that this is meant.")
else()
  message(STATUS "Names are resolved with getaddrinfo in libuv's thread pool (WSLUICE_CARES is OFF)")
endif()

if(WSLUICE_POLLER STREQUAL "uv")
  target_compile_definitions(wsl_net_backends INTERFACE WSLUICE_POLLER_UV)
elseif(NOT WSLUICE_POLLER STREQUAL "epoll")
  message(FATAL_ERROR "WSLUICE_POLLER is \"${WSLUICE_POLLER}\"; it can be epoll or uv")
endif()
