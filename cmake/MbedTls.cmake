# wsl_mbedcrypto: mbedTLS's hashes and base64. Debian 12's 2.28 has neither a .pc nor a CMake file.
find_path(MBEDTLS_INCLUDE_DIR mbedtls/version.h REQUIRED)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto REQUIRED)
add_library(wsl_mbedcrypto INTERFACE)
target_include_directories(wsl_mbedcrypto SYSTEM INTERFACE ${MBEDTLS_INCLUDE_DIR})
target_link_libraries(wsl_mbedcrypto INTERFACE ${MBEDCRYPTO_LIBRARY})
