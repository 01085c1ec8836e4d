# Whether src/net/tls/key_update.c can do its work with this mbedTLS: WSLUICE_HAVE_TLS_KEY_UPDATE.
#
# It calls functions of the library that no installed header declares. Here they are linked, so that a
# library that lacks or hides them costs the feature and not the build.
include(CheckCSourceCompiles)
include(CMakePushCheckState)

set(undeclared
  mbedtls_ssl_tls13_hkdf_expand_label mbedtls_ssl_tls13_make_traffic_keys mbedtls_ssl_tls13_populate_transform
  mbedtls_ssl_transform_free mbedtls_ssl_set_inbound_transform mbedtls_ssl_set_outbound_transform
  mbedtls_ssl_write_record)
set(declarations "")
foreach(function ${undeclared})
  string(APPEND declarations "extern void ${function}(void);\n")
endforeach()
list(JOIN undeclared ", " addresses)

cmake_push_check_state(RESET)
set(CMAKE_REQUIRED_INCLUDES ${MBEDTLS_INCLUDE_DIR})
set(CMAKE_REQUIRED_LIBRARIES ${MBEDTLS_LIBRARY} ${MBEDX509_LIBRARY} ${MBEDCRYPTO_LIBRARY} ${CMAKE_THREAD_LIBS_INIT})
if(WSLUICE_SANITIZE)
  set(CMAKE_REQUIRED_FLAGS -fsanitize=${WSLUICE_SANITIZE})
endif()
# The answer is remembered by the library's place, which may change under a build tree.
string(MAKE_C_IDENTIFIER "KEY_UPDATE_WITH_${MBEDTLS_LIBRARY}" possible)
check_c_source_compiles("
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER < 0x03060000 || MBEDTLS_VERSION_NUMBER >= 0x03070000
#error \"only 3.6 was looked into\"
#endif
${declarations}
int main(void) {
  void (*volatile functions[])(void) = {${addresses}};
  return functions[0] == 0;
}" ${possible})
cmake_pop_check_state()

if(${possible})
  target_compile_definitions(wsl_mbedtls INTERFACE WSLUICE_HAVE_TLS_KEY_UPDATE)
else()
  message(STATUS "No KeyUpdate in TLS 1.3: this mbedTLS is not 3.6, or hides what it takes")
endif()
