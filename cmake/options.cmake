# Compiler flags that every target of ours is built with.
add_library(haidang_options INTERFACE)
target_compile_options(haidang_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
# GCC's -Wconversion leaves changes of sign out in C++; clang's does not.
target_compile_options(haidang_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)
target_include_directories(haidang_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(haidang_options INTERFACE HAIDANG_VERSION="${PROJECT_VERSION}")
# Debian's spdlog and fmt are shared libraries: do not compile them again in each file.
target_compile_definitions(haidang_options INTERFACE SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB SPDLOG_FMT_EXTERNAL)

if(HAIDANG_SANITIZE)
  add_compile_options(-fsanitize=${HAIDANG_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HAIDANG_SANITIZE})
  if(HAIDANG_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  # GCC's own manual: sanitizers make this warning speak where nothing is wrong.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()

# Coverage for libFuzzer in everything that a fuzz target may reach.
if(HAIDANG_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
