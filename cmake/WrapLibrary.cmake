# The library that is preloaded into wrapped programs (src/preload). It gets none of wsl_flags: it lives in processes
# that are not ours, so it knows no sanitizer, and stays a shared object where wsluice itself is static.
add_library(wsluice-wrap MODULE ${PROJECT_SOURCE_DIR}/src/preload/rebind.c)
target_compile_definitions(wsluice-wrap PRIVATE _GNU_SOURCE)
target_compile_options(wsluice-wrap PRIVATE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -fvisibility=hidden -fstack-protector-strong)
if(WSLUICE_WERROR)
  target_compile_options(wsluice-wrap PRIVATE -Werror)
endif()
target_link_libraries(wsluice-wrap PRIVATE ${CMAKE_DL_LIBS})
target_link_options(wsluice-wrap PRIVATE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
# Beside the program in the build tree, where it looks first (src/app/wrap/library.h).
set_target_properties(wsluice-wrap PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
add_dependencies(wsluice wsluice-wrap)
target_compile_definitions(wsl_app PRIVATE
  WSLUICE_LIBDIR="${CMAKE_INSTALL_LIBDIR}" WSLUICE_FULL_LIBDIR="${CMAKE_INSTALL_FULL_LIBDIR}")
install(TARGETS wsluice-wrap LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/wsluice)
