# wsl_mbedcrypto and wsl_mbedtls: mbedTLS's hashes, base64 and random, and its TLS.
#
# Debian 12's 2.28 has neither a .pc nor a CMake file, so the header and the libraries are looked for.
# WSLUICE_MBEDTLS_DIR names an installation of another version (static libraries).
set(WSLUICE_MBEDTLS_DIR "" CACHE PATH "Where another mbedTLS than the system's is installed")

if(WSLUICE_MBEDTLS_DIR)
  set(mbedtls_where PATHS ${WSLUICE_MBEDTLS_DIR} PATH_SUFFIXES include lib NO_DEFAULT_PATH)
endif()
find_path(MBEDTLS_INCLUDE_DIR mbedtls/version.h ${mbedtls_where})
find_library(MBEDTLS_LIBRARY mbedtls ${mbedtls_where})
find_library(MBEDX509_LIBRARY mbedx509 ${mbedtls_where})
find_library(MBEDCRYPTO_LIBRARY mbedcrypto ${mbedtls_where})
if(NOT MBEDTLS_INCLUDE_DIR OR NOT MBEDTLS_LIBRARY OR NOT MBEDX509_LIBRARY OR NOT MBEDCRYPTO_LIBRARY)
  message(FATAL_ERROR "mbedTLS was not found (Debian: libmbedtls-dev; 2.28 or 3.x)")
endif()
mark_as_advanced(MBEDTLS_INCLUDE_DIR MBEDTLS_LIBRARY MBEDX509_LIBRARY MBEDCRYPTO_LIBRARY)

# As targets that know whom they need: static libraries must stand before those.
foreach(part mbedcrypto mbedx509 mbedtls)
  string(TOUPPER ${part} PART)
  add_library(${part}_file UNKNOWN IMPORTED)
  set_target_properties(${part}_file PROPERTIES IMPORTED_LOCATION ${${PART}_LIBRARY})
endforeach()
set_target_properties(mbedx509_file PROPERTIES INTERFACE_LINK_LIBRARIES mbedcrypto_file)
set_target_properties(mbedtls_file PROPERTIES INTERFACE_LINK_LIBRARIES mbedx509_file)

add_library(wsl_mbedcrypto INTERFACE)
target_include_directories(wsl_mbedcrypto SYSTEM INTERFACE ${MBEDTLS_INCLUDE_DIR})
target_link_libraries(wsl_mbedcrypto INTERFACE mbedcrypto_file)
add_library(wsl_mbedtls INTERFACE)
target_link_libraries(wsl_mbedtls INTERFACE mbedtls_file wsl_mbedcrypto)
# Installed headers do not carry the configuration that the library was built with.
if(EXISTS ${MBEDTLS_INCLUDE_DIR}/wsluice_mbedtls_config.h)
  target_compile_definitions(wsl_mbedcrypto INTERFACE MBEDTLS_USER_CONFIG_FILE="wsluice_mbedtls_config.h")
endif()
