# Multiply and add are two roundings: the kernels contain no fused instruction. The one exception are square roots by
# multiplication (cpu/exact_root.h): 5 in each of float32, 8 in each of float64, and none else in the loops that take them.
# Inputs: OBJECTS (the object files of the instruction sets), OBJDUMP.

if(NOT OBJECTS)
    message(FATAL_ERROR "no object files")
endif()
foreach(object IN LISTS OBJECTS)
    execute_process(COMMAND "${OBJDUMP}" --disassemble --no-show-raw-insn "${object}"
        OUTPUT_VARIABLE code COMMAND_ERROR_IS_FATAL ANY)
    string(FIND "${code}" "sqrt" at)
    if(at EQUAL -1)
        message(SEND_ERROR "${object} has no square root: these are not the kernels")
    endif()
    foreach(type ps pd)
        string(REGEX MATCHALL "vrsqrt14${type}" roots "${code}")
        string(REGEX MATCHALL "vfn?madd[0-9]*${type} " fused_here "${code}")
        list(LENGTH roots roots)
        list(LENGTH fused_here fused_count)
        math(EXPR expected "${roots} * 5")
        if(type STREQUAL "pd")
            math(EXPR expected "${roots} * 8")
        endif()
        if(NOT fused_count EQUAL expected)
            message(SEND_ERROR "${object}: ${fused_count} fused ${type} instructions where ${roots} roots have ${expected}")
        endif()
    endforeach()
    # Of any other form, on any processor: none.
    string(REGEX REPLACE "vfn?madd[0-9]*p[sd] " "" code "${code}")
    string(REGEX MATCH "[^ \t]*f(n?madd|n?msub|ml[as])[^\n]*" fused "${code}")
    if(fused)
        message(SEND_ERROR "${object} contracts: ${fused}")
    endif()
endforeach()
