# Multiply and add are two roundings: the kernels contain no fused instruction.
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
    foreach(fused fmadd fmsub fnmadd fnmsub fmla fmls)
        string(FIND "${code}" "${fused}" at)
        if(NOT at EQUAL -1)
            string(SUBSTRING "${code}" ${at} 60 instruction)
            message(SEND_ERROR "${object} contracts: ${instruction}")
        endif()
    endforeach()
endforeach()
