# Multiply and add are two roundings: the kernels contain no fused instruction.
# Inputs: OBJECTS (the object files of the instruction sets), OBJDUMP.

if(NOT OBJECTS)
    message(FATAL_ERROR "no object files")
endif()
foreach(object IN LISTS OBJECTS)
    execute_process(COMMAND "${OBJDUMP}" --disassemble --no-show-raw-insn "${object}"
        OUTPUT_VARIABLE code COMMAND_ERROR_IS_FATAL ANY)
    if(NOT code MATCHES "sqrt")
        message(SEND_ERROR "${object} has no square root: these are not the kernels")
    endif()
    string(REGEX MATCH "[^\n]*(vfn?madd|vfn?msub|fmadd|fmla)[^\n]*" fused "${code}")
    if(fused)
        message(SEND_ERROR "${object} contracts: ${fused}")
    endif()
endforeach()
