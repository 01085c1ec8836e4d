# wsl_flags: the one set of flags for everything that is ours (warnings, hardening, sanitizers).
#
# Hardening because the program parses bytes from strangers. Each flag is tried first, since
# compilers and processors differ (-fcf-protection is x86, -mbranch-protection is Arm).
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(wsl_flags INTERFACE)
target_include_directories(wsl_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
# uv.h does not compile under strict C11 without it.
target_compile_definitions(wsl_flags INTERFACE _GNU_SOURCE)

target_compile_options(wsl_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -fno-common)
# Assertions stay in every build type; CMakeLists.txt says why.
target_compile_options(wsl_flags INTERFACE -UNDEBUG)
if(WSLUICE_WERROR)
  target_compile_options(wsl_flags INTERFACE -Werror)
endif()

# Position independent, for the address space randomisation of the executable; -fPIE and not CMake's
# property, which compiles static libraries with the dearer -fPIC.
target_compile_options(wsl_flags INTERFACE -fPIE)
if(WSLUICE_STATIC AND WSLUICE_SANITIZE)
  message(FATAL_ERROR "WSLUICE_STATIC and WSLUICE_SANITIZE exclude each other: sanitizers need shared libraries")
elseif(WSLUICE_STATIC)
  target_link_options(wsl_flags INTERFACE -static-pie)
else()
  target_link_options(wsl_flags INTERFACE -pie)
endif()

function(add_compile_flag_if_known flag)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
  check_c_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(wsl_flags INTERFACE ${flag})
  endif()
endfunction()

function(add_link_flag_if_known flag)
  string(MAKE_C_IDENTIFIER "LINKER_HAS${flag}" known)
  check_linker_flag(C ${flag} ${known})
  if(${known})
    target_link_options(wsl_flags INTERFACE ${flag})
  endif()
endfunction()

add_compile_flag_if_known(-fstack-protector-strong)
add_compile_flag_if_known(-fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i[3-6]86")
  add_compile_flag_if_known(-fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  add_compile_flag_if_known(-mbranch-protection=standard)
endif()
add_link_flag_if_known(-Wl,-z,relro)
add_link_flag_if_known(-Wl,-z,now)
add_link_flag_if_known(-Wl,-z,noexecstack)

if(WSLUICE_SANITIZE)
  target_compile_options(wsl_flags INTERFACE
    -fsanitize=${WSLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(wsl_flags INTERFACE -fsanitize=${WSLUICE_SANITIZE})
else()
  # Needs optimisation, and the sanitizers' own interceptors see more without it. -U: some
  # distributions' compilers predefine it.
  target_compile_options(wsl_flags INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE>
    $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
endif()
