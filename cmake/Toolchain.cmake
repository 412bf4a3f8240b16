# Compiler, linker and sanitizer settings for every target.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Precompiled headers need the two kinds of sloppiness; with the base directory all clones share what was compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                  CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror=return-type -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
  # Statement expressions carry TRY(); -Wpedantic would report each use.
  add_compile_options(-Wno-pedantic)
  # At -O1 g++ 12 takes the storage of temporary strings for uninitialised; clang and the sanitizers find the real ones.
  add_compile_options(-Wno-maybe-uninitialized)
else()
  add_compile_options(-Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments)
endif()
find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
  add_link_options(-fuse-ld=lld)
endif()
if(SWB_LIBFUZZER)
  # Coverage of every module, not only of the targets.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SWB_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
# The release flags stay assertions-on: SWB_ASSERT never depends on NDEBUG.
set(CMAKE_CXX_FLAGS_TEST "-O1 -g1")
set(CMAKE_EXE_LINKER_FLAGS_TEST "")
