namespace NativeRanger;

/// <summary>The instruction sets that native kernels are compiled for. All give the same bits.</summary>
public enum InstructionSet
{
    /// <summary>The best one that the processor has, or what the environment variable NATIVERANGER_ISA forces.</summary>
    Auto = Interop.nr_isa_code.NR_ISA_AUTO,

    /// <summary>One element at a time; runs everywhere.</summary>
    Scalar = Interop.nr_isa_code.NR_ISA_SCALAR,

    /// <summary>256-bit vectors (x64).</summary>
    Avx2 = Interop.nr_isa_code.NR_ISA_AVX2,

    /// <summary>512-bit vectors (x64).</summary>
    Avx512 = Interop.nr_isa_code.NR_ISA_AVX512,

    /// <summary>128-bit vectors (arm64).</summary>
    Neon = Interop.nr_isa_code.NR_ISA_NEON,
}
