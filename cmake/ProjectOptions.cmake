# Language level, warnings, hardening and sanitizers, the same for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set_property(GLOBAL PROPERTY USE_FOLDERS ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)

add_library(windrose_options INTERFACE)
target_include_directories(windrose_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(
  windrose_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
            -Woverloaded-virtual -Wimplicit-fallthrough -Wno-missing-field-initializers -Werror -fno-math-errno
            # Contraction is spelled out in the kernels (MulAdd); left to the compiler it would make
            # the bits depend on how a loop happened to be vectorised.
            -ffp-contract=off)
target_compile_definitions(windrose_options INTERFACE _GLIBCXX_ASSERTIONS
                                                      WINDROSE_VERSION="${PROJECT_VERSION}")
if(MOLD)
  target_link_options(windrose_options INTERFACE -fuse-ld=mold)
endif()
target_link_options(windrose_options INTERFACE -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(windrose_options INTERFACE -Wthread-safety)
endif()

if(WINDROSE_SANITIZE)
  target_compile_options(windrose_options INTERFACE -fsanitize=${WINDROSE_SANITIZE}
                                                    -fno-omit-frame-pointer)
  target_link_options(windrose_options INTERFACE -fsanitize=${WINDROSE_SANITIZE})
  if(WINDROSE_SANITIZE MATCHES "undefined")
    # Without vptr: clang's check opens a pipe to look at the object, and takes an object for a bad one
    # in the tests that use up all descriptors.
    target_compile_options(windrose_options INTERFACE -fno-sanitize=vptr
                                                      -fno-sanitize-recover=undefined)
  endif()
  if(WINDROSE_BUILD_FUZZERS)
    # All of our code, not the targets alone: libFuzzer keeps an input for the branches it reaches.
    target_compile_options(windrose_options INTERFACE -fsanitize=fuzzer-no-link)
  endif()
else()
  target_compile_options(
    windrose_options INTERFACE -fstack-protector-strong -fstack-clash-protection
                               $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>
                               $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
endif()
