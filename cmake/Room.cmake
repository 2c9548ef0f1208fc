# room(<target> [USES <targets>] [LINKS <libraries>])
#
# Makes a static library of the *.c in this folder (main.c excepted), linked with the rooms it USES and
# the outside libraries it LINKS. Each tests/test_*.c becomes a cmocka program of the same name under
# build/tests, linked with the room.
function(room name)
    cmake_parse_arguments(arg "" "" "USES;LINKS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c
        ${CMAKE_CURRENT_SOURCE_DIR}/*.S)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE ${arg_LINKS})

    if(NOT IG_TESTS)
        return()
    endif()
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_*.c)
    foreach(test ${tests})
        get_filename_component(program ${test} NAME_WE)
        add_executable(${program} ${test})
        target_link_libraries(${program} PRIVATE ${name} PkgConfig::cmocka)
        target_compile_definitions(${program} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}"
            ROOM_DIR="${CMAKE_CURRENT_SOURCE_DIR}")
        set_target_properties(${program} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    endforeach()
endfunction()
