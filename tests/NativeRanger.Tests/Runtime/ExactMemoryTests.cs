using System.Runtime.InteropServices;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>
/// Steps on blocks of exactly the size that they need: an address sanitizer, which does not see arrays of the garbage
/// collector, sees every byte beyond them. Without one, what is tested is that the bits are those of arrays.
/// </summary>
public sealed unsafe class ExactMemoryTests
{
    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void Exact_blocks_step_like_arrays(string optimizer)
    {
        var recipe = Registry.Recipe(optimizer);
        foreach (var backend in Registry.NativeBackends())
        {
            // Every tail of the widest vectors, and more than one of them.
            for (var length = 0; length <= 35; length++)
            {
                Step(recipe, backend, length);
            }
        }
    }

    private static void Step(Optimizer recipe, Backend backend, int length)
    {
        var (expected, gradient) = (new float[length], new float[length]);
        for (var i = 0; i < length; i++)
        {
            (expected[i], gradient[i]) = (i - 3, (i % 5) - 2);
        }

        var bytes = (nuint)(length * sizeof(float));
        var values = (float*)NativeMemory.Alloc(bytes);
        var slope = (float*)NativeMemory.Alloc(bytes);
        try
        {
            expected.CopyTo(new Span<float>(values, length));
            gradient.CopyTo(new Span<float>(slope, length));
            using var arrays = recipe.Bind(expected, backend);
            using var blocks = recipe.Bind([new Parameter<float>("p", values, length)], backend);
            for (var step = 0; step < 7; step++)
            {
                arrays.Step(gradient);
                blocks.Step([new Gradient<float>(slope, length)]);
            }

            Assert.Null(Bits.Difference<float>("block", expected, new(values, length)));
        }
        finally
        {
            NativeMemory.Free(values);
            NativeMemory.Free(slope);
        }
    }
}
