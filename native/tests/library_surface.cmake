# What the linked library shows to the world:
#   its exports are exactly the NR_API functions of the header; it needs nothing but libc;
#   nothing that it imports could end the process, print or throw;
#   no two object files define the same inline function. The linker keeps one copy, and the one compiled for AVX-512 would
#   then run on machines without it.
# Inputs: LIBRARY, HEADER, OBJECTS (all object files of the library), NM, READELF.

file(STRINGS "${HEADER}" declarations REGEX "^NR_API ")
set(declared "")
foreach(declaration IN LISTS declarations)
    string(REGEX REPLACE ".*[ *](nr_[a-z0-9_]+)\\(.*" "\\1" name "${declaration}")
    list(APPEND declared "${name}")
endforeach()
list(SORT declared)

execute_process(COMMAND "${NM}" --dynamic --defined-only --format=posix "${LIBRARY}"
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
list(TRANSFORM symbols REPLACE " .*" "")
list(SORT symbols)
if(NOT declared STREQUAL symbols)
    message(SEND_ERROR "declared in the header: ${declared}\nexported by the library: ${symbols}")
endif()

execute_process(COMMAND "${READELF}" --dynamic "${LIBRARY}" OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" needed "${dynamic}")
list(TRANSFORM needed REPLACE ".*\\[(.*)\\]" "\\1")
list(REMOVE_ITEM needed libc.so.6)
if(needed)
    message(SEND_ERROR "needs more than libc: ${needed}")
endif()

execute_process(COMMAND "${NM}" --dynamic --undefined-only --format=posix "${LIBRARY}"
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" imports "${symbols}")
list(TRANSFORM imports REPLACE "[@ ].*" "")
list(FILTER imports INCLUDE REGEX
    "^(abort|_?exit|_Exit|quick_exit|raise|kill|__assert.*|puts|putchar|v?f?printf|fwrite|write|perror|longjmp|_Z.*|__cxa_throw)$")
if(imports)
    message(SEND_ERROR "imports what could end the process, print or throw: ${imports}")
endif()

set(seen "")
foreach(object IN LISTS OBJECTS)
    execute_process(COMMAND "${NM}" --defined-only --format=posix "${object}"
        OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^ \n]+ [WVvu] " mergeable "${symbols}")
    list(APPEND seen ${mergeable})
endforeach()
list(SORT seen)
set(previous "")
foreach(symbol IN LISTS seen)
    if(symbol STREQUAL previous)
        message(SEND_ERROR "two object files define ${symbol}and only one of them will be linked")
    endif()
    set(previous "${symbol}")
endforeach()
