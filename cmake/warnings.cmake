# The warnings that all C of this project is built with.  cairn_target(NAME) applies them.
function(cairn_target name)
  target_compile_options(${name} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wcast-align -Wwrite-strings -Wundef -Wvla -Wno-unused-parameter)
  if(CAIRN_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
endfunction()
# The presets of developers switch it on; a compiler that is newer than this project stops nobody else.
option(CAIRN_WERROR "Treat warnings as errors" OFF)
