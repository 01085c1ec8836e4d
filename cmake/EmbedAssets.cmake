# Turns files into C arrays, with nothing but CMake.
#
#   embed_assets(<target> <symbol> <folder> <pattern>...)
#
# adds a generated source to <target> that defines `const struct asset <symbol>[]` (server/files/asset.h):
# one entry for each file of <folder> that fits a pattern, path relative to the folder, ended by an
# entry of zeros. It is made anew when a file changes, comes or goes.
#
# The same file run as a script (cmake -P) is what does the work at build time.

function(embed_assets target symbol folder)
  set(patterns ${ARGN})
  list(TRANSFORM patterns PREPEND ${folder}/)
  file(GLOB files CONFIGURE_DEPENDS ${patterns})
  list(SORT files)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/generated/${symbol}.c)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DSYMBOL=${symbol} -DFOLDER=${folder} "-DFILES=${files}" -DOUTPUT=${output}
      -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${files} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Embedding the files of ${symbol}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

# The bytes of `file` as the inside of an initialiser, 16 a line. An empty file gets one byte that
# its length of 0 hides: C knows no empty arrays.
function(asset_initialiser file result)
  file(READ ${file} hex HEX)
  if(hex STREQUAL "")
    set(hex "00")
  endif()
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REPEAT "....." 16 line)
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  set(${result} "${bytes}" PARENT_SCOPE)
endfunction()

function(write_assets)
  set(arrays "")
  set(entries "")
  set(index 0)
  foreach(file ${FILES})
    file(RELATIVE_PATH path ${FOLDER} ${file})
    file(SIZE ${file} len)
    asset_initialiser(${file} bytes)
    string(APPEND arrays "static const uint8_t bytes_${index}[] = {\n${bytes}\n};\n\n")
    string(APPEND entries "    {.path = \"${path}\", .data = bytes_${index}, .len = ${len}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(WRITE ${OUTPUT} "/* Made by EmbedAssets.cmake: do not edit. */\n"
    "#include <stdint.h>\n\n#include \"server/files/asset.h\"\n\n"
    "extern const struct asset ${SYMBOL}[];\n\n"
    "${arrays}"
    "const struct asset ${SYMBOL}[] = {\n${entries}    {.path = NULL},\n};\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  write_assets()
endif()
