# wsl_mbedcrypto and wsl_mbedtls: mbedTLS's hashes, base64 and random, and its TLS.
#
# 3.6 is wanted. Where the system's is older (Debian 12) scripts/build-mbedtls.sh builds it from Debian's source
# package, with the sanitizer that we build with; where that can't be had 2.28 serves, with TLS 1.2 only.
# WSLUICE_MBEDTLS_DIR names an installation of another kind (static libraries).
set(WSLUICE_MBEDTLS AUTO CACHE STRING "Which mbedTLS: AUTO, SYSTEM (the installed one), SOURCE (built here)")
set(WSLUICE_MBEDTLS_DIR "" CACHE PATH "Where another mbedTLS than the system's is installed")
set_property(CACHE WSLUICE_MBEDTLS PROPERTY STRINGS AUTO SYSTEM SOURCE)

# system_mbedtls_is_current(<result>): 3.6 or a later 3.
function(system_mbedtls_is_current result)
  set(${result} OFF PARENT_SCOPE)
  find_path(MBEDTLS_SYSTEM_INCLUDE_DIR mbedtls/build_info.h)
  mark_as_advanced(MBEDTLS_SYSTEM_INCLUDE_DIR)
  if(NOT MBEDTLS_SYSTEM_INCLUDE_DIR)
    return()
  endif()
  file(STRINGS ${MBEDTLS_SYSTEM_INCLUDE_DIR}/mbedtls/build_info.h line REGEX "define MBEDTLS_VERSION_STRING ")
  string(REGEX MATCH "[0-9.]+" version "${line}")
  if(version VERSION_GREATER_EQUAL 3.6 AND version VERSION_LESS 4)
    set(${result} ON PARENT_SCOPE)
  endif()
endfunction()

# build_mbedtls(<result>): the folder of one built from source, or "" and why it is none.
function(build_mbedtls result)
  set(variant plain)
  set(compiler cc) # sanitizers want their own compiler's; a plain library serves any
  if(WSLUICE_SANITIZE MATCHES "thread|address")
    set(variant ${CMAKE_MATCH_0})
    set(compiler ${CMAKE_C_COMPILER})
  endif()
  execute_process(COMMAND ${CMAKE_COMMAND} -E env CC=${compiler} ${PROJECT_SOURCE_DIR}/scripts/build-mbedtls.sh ${variant}
    OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    set(${result} "" PARENT_SCOPE)
    return()
  endif()
  # Another pin or configuration, or a library that is gone, has CMake look again.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/.complete
    ${PROJECT_SOURCE_DIR}/scripts/build-mbedtls.sh ${PROJECT_SOURCE_DIR}/cmake/mbedtls/source.pin
    ${PROJECT_SOURCE_DIR}/cmake/mbedtls/wsluice_mbedtls_config.h)
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

set(mbedtls_dir "${WSLUICE_MBEDTLS_DIR}")
if(NOT mbedtls_dir AND NOT WSLUICE_MBEDTLS STREQUAL "SYSTEM")
  system_mbedtls_is_current(current)
  if(NOT current OR WSLUICE_MBEDTLS STREQUAL "SOURCE")
    build_mbedtls(mbedtls_dir)
  endif()
  if(NOT mbedtls_dir AND WSLUICE_MBEDTLS STREQUAL "SOURCE")
    message(FATAL_ERROR "mbedTLS could not be built from source; scripts/build-mbedtls.sh has said why")
  endif()
  if(NOT mbedtls_dir AND NOT current)
    message(WARNING "mbedTLS 3.6 could not be had (scripts/build-mbedtls.sh has said why): "
      "the system's older one serves, with TLS 1.2 only. To try again, configure again: cmake ${CMAKE_BINARY_DIR}. "
      "WSLUICE_MBEDTLS_DIR names another installation; WSLUICE_MBEDTLS=SYSTEM says that this one is meant.")
  endif()
endif()

# What was found is found again when the choice has changed since.
if(NOT "${mbedtls_dir}" STREQUAL "${MBEDTLS_FOUND_FOR}" OR NOT DEFINED MBEDTLS_FOUND_FOR)
  foreach(found MBEDTLS_INCLUDE_DIR MBEDTLS_LIBRARY MBEDX509_LIBRARY MBEDCRYPTO_LIBRARY)
    unset(${found} CACHE)
  endforeach()
  set(MBEDTLS_FOUND_FOR "${mbedtls_dir}" CACHE INTERNAL "The choice that the search was made for")
endif()
if(mbedtls_dir)
  set(mbedtls_where PATHS ${mbedtls_dir} PATH_SUFFIXES include lib NO_DEFAULT_PATH)
endif()
set(mbedtls_kind "")
if(WSLUICE_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(mbedtls_kind " as static libraries (WSLUICE_STATIC)")
endif()
# Debian 12's has neither a .pc nor a CMake file, so the header and the libraries are looked for.
find_path(MBEDTLS_INCLUDE_DIR mbedtls/version.h ${mbedtls_where})
find_library(MBEDTLS_LIBRARY mbedtls ${mbedtls_where})
find_library(MBEDX509_LIBRARY mbedx509 ${mbedtls_where})
find_library(MBEDCRYPTO_LIBRARY mbedcrypto ${mbedtls_where})
if(NOT MBEDTLS_INCLUDE_DIR OR NOT MBEDTLS_LIBRARY OR NOT MBEDX509_LIBRARY OR NOT MBEDCRYPTO_LIBRARY)
  message(FATAL_ERROR "mbedTLS was not found${mbedtls_kind} (Debian: libmbedtls-dev; 2.28 or 3.x)")
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
