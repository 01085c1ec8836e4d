# wsl_net_backends: what src/net stands on, by option: libuv, the resolver's library and the poller's kind.
add_library(wsl_net_backends INTERFACE)

# package(<prefix> <module> [REQUIRED]): pkg-config's word on a library, shared or static as WSLUICE_STATIC says.
function(package prefix module)
  pkg_check_modules(${prefix} ${ARGN} ${module})
  if(${prefix}_FOUND AND NOT TARGET wsl_${prefix})
    set(kind "")
    if(WSLUICE_STATIC)
      set(kind _STATIC)
    endif()
    add_library(wsl_${prefix} INTERFACE)
    target_include_directories(wsl_${prefix} SYSTEM INTERFACE ${${prefix}_INCLUDE_DIRS})
    target_link_options(wsl_${prefix} INTERFACE ${${prefix}${kind}_LDFLAGS_OTHER})
    list(TRANSFORM ${prefix}_LIBRARY_DIRS PREPEND -L OUTPUT_VARIABLE directories)
    target_link_libraries(wsl_${prefix} INTERFACE ${directories} ${${prefix}${kind}_LIBRARIES})
  endif()
  set(${prefix}_FOUND "${${prefix}_FOUND}" PARENT_SCOPE)
  set(${prefix}_VERSION "${${prefix}_VERSION}" PARENT_SCOPE)
endfunction()

set(libuv libuv)
if(WSLUICE_STATIC)
  set(libuv libuv-static) # its name differs between distributions' versions, the module's does not
endif()
package(UV "${libuv}>=1.44" REQUIRED)
target_link_libraries(wsl_net_backends INTERFACE wsl_UV)

if(WSLUICE_CARES)
  package(CARES "libcares>=1.18")
endif()
if(WSLUICE_CARES AND CARES_FOUND)
  message(STATUS "Names are resolved with c-ares ${CARES_VERSION}")
  target_link_libraries(wsl_net_backends INTERFACE wsl_CARES)
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
