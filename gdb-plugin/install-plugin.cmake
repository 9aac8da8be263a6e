# Run at installation, when the prefix is known: writes the auto-load file
# share/gdb/auto-load/<full libdir>/libcairn.so.X.Y.Z-gdb.py and compiles the plugin.
if(IS_ABSOLUTE "${CAIRN_LIBDIR}")
  set(libdir "${CAIRN_LIBDIR}")
else()
  set(libdir "${CMAKE_INSTALL_PREFIX}/${CAIRN_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CAIRN_DATADIR}")
  set(datadir "${CAIRN_DATADIR}")
else()
  set(datadir "${CMAKE_INSTALL_PREFIX}/${CAIRN_DATADIR}")
endif()
get_filename_component(libdir "${libdir}" ABSOLUTE)
get_filename_component(datadir "${datadir}" ABSOLUTE)
set(autoload_dir "${datadir}/gdb/auto-load${libdir}")
file(RELATIVE_PATH CAIRN_PLUGIN "${autoload_dir}" "${datadir}/cairn/cairn.py")
set(autoload "$ENV{DESTDIR}${autoload_dir}/libcairn.so.${CAIRN_VERSION}-gdb.py")
message(STATUS "Installing: ${autoload}")
configure_file("${CAIRN_AUTOLOAD_IN}" "${autoload}" @ONLY)
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${autoload_dir}/libcairn.so.${CAIRN_VERSION}-gdb.py")

# Where users may not write beside the plugin, Python would compile it anew in each GDB.
if(CAIRN_PYTHON)
  execute_process(COMMAND "${CAIRN_PYTHON}" -m compileall -q
    "$ENV{DESTDIR}${datadir}/cairn/cairn_gdb" OUTPUT_QUIET ERROR_QUIET)
endif()
