# wsl_mbedcrypto: mbedTLS's hashes, base64 and random. Debian 12's 2.28 has neither a .pc nor a
# CMake file, so the header and the library are looked for.
find_path(MBEDTLS_INCLUDE_DIR mbedtls/version.h)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto)
if(NOT MBEDTLS_INCLUDE_DIR OR NOT MBEDCRYPTO_LIBRARY)
  message(FATAL_ERROR "mbedTLS was not found (Debian: libmbedtls-dev; 2.28 or 3.x)")
endif()
mark_as_advanced(MBEDTLS_INCLUDE_DIR MBEDCRYPTO_LIBRARY)

add_library(wsl_mbedcrypto INTERFACE)
target_include_directories(wsl_mbedcrypto SYSTEM INTERFACE ${MBEDTLS_INCLUDE_DIR})
target_link_libraries(wsl_mbedcrypto INTERFACE ${MBEDCRYPTO_LIBRARY})
