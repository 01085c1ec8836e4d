# What is installed beside the program so that people find it: the link `websockify`, the pages, and the shells'
# completions (contrib/completions). A `websockify` that is there and not ours is left alone, with a word about it.
set(completions ${PROJECT_SOURCE_DIR}/contrib/completions)
set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated/completions)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${completions}/values)

file(STRINGS ${completions}/values lines REGEX "^[a-z]")
list(JOIN lines "\n" WSLUICE_COMPLETION_VALUES)
foreach(script wsluice.bash _wsluice wsluice.fish)
  configure_file(${completions}/${script}.in ${generated}/${script} @ONLY)
endforeach()

set(bash_folder ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
set(fish_folder ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${generated}/wsluice.bash DESTINATION ${bash_folder} RENAME wsluice)
install(FILES ${generated}/_wsluice DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${generated}/wsluice.fish DESTINATION ${fish_folder})
install(FILES ${PROJECT_SOURCE_DIR}/docs/wsluice.1 ${PROJECT_SOURCE_DIR}/docs/wsluice-bench.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# install_link(<target> <path>): a symbolic link at `path` below the prefix. Shells load a completion by the name of
# its command.
function(install_link target path)
  set(prefix "\${CMAKE_INSTALL_PREFIX}/") # of the moment: cmake --install --prefix
  if(IS_ABSOLUTE ${path})
    set(prefix "")
  endif()
  install(CODE "
    set(place \"\$ENV{DESTDIR}${prefix}${path}\")
    set(there \"\")
    if(IS_SYMLINK \"\${place}\")
      file(READ_SYMLINK \"\${place}\" there)
    endif()
    if(EXISTS \"\${place}\" AND NOT there STREQUAL \"${target}\")
      message(WARNING \"\${place} is there and not ours: it stays as it is\")
    else()
      message(STATUS \"Installing: \${place}\")
      file(REMOVE \"\${place}\")
      file(CREATE_LINK \"${target}\" \"\${place}\" SYMBOLIC)
    endif()")
endfunction()

install_link(wsluice ${CMAKE_INSTALL_BINDIR}/websockify)
install_link(wsluice.1 ${CMAKE_INSTALL_MANDIR}/man1/websockify.1)
foreach(name websockify wsluice-bench)
  install_link(wsluice ${bash_folder}/${name})
  install_link(wsluice.fish ${fish_folder}/${name}.fish)
endforeach()
