using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NativeRanger.Benchmarks.Baselines;

/// <summary>The formula in one loop over vectors of 512 bits, as an expert writes it by hand.</summary>
/// <param name="arrays">The arrays.</param>
/// <param name="prefetch">Whether all arrays are prefetched 2 KiB ahead.</param>
internal sealed unsafe class FusedVector512(BaselineArrays arrays, bool prefetch) : Baseline
{
    private const nuint PrefetchedElements = 512;

    public override string Name => prefetch ? "fused Vector512, prefetching" : "fused Vector512";

    protected override void Step(float stepSize, bool rectified)
    {
        if (!rectified)
        {
            Step<Plain, Momentum>(stepSize);
        }
        else if (prefetch && Sse.IsSupported)
        {
            Step<Prefetching, Quotient>(stepSize);
        }
        else
        {
            Step<Plain, Quotient>(stepSize);
        }
    }

    private void Step<TPrefetch, TUpdate>(float size)
        where TPrefetch : struct, IPrefetch
        where TUpdate : struct, IUpdate
    {
        ref var p = ref MemoryMarshal.GetArrayDataReference(arrays.Parameter);
        ref var g = ref MemoryMarshal.GetArrayDataReference(arrays.Gradient);
        ref var m = ref MemoryMarshal.GetArrayDataReference(arrays.FirstMoment);
        ref var v = ref MemoryMarshal.GetArrayDataReference(arrays.SecondMoment);
        var beta1 = Vector512.Create(Beta1);
        var beta1Rest = Vector512.Create(Beta1Rest);
        var beta2 = Vector512.Create(Beta2);
        var beta2Rest = Vector512.Create(Beta2Rest);
        var epsilon = Vector512.Create(Epsilon);
        var stepSize = Vector512.Create(size);

        var count = (nuint)arrays.Parameter.Length;
        nuint i = 0;
        for (; i + (nuint)Vector512<float>.Count <= count; i += (nuint)Vector512<float>.Count)
        {
            TPrefetch.Ahead(ref Unsafe.Add(ref p, i));
            TPrefetch.Ahead(ref Unsafe.Add(ref g, i));
            TPrefetch.Ahead(ref Unsafe.Add(ref m, i));
            TPrefetch.Ahead(ref Unsafe.Add(ref v, i));
            var gradient = Vector512.LoadUnsafe(ref g, i);
            var first = (beta1 * Vector512.LoadUnsafe(ref m, i)) + (beta1Rest * gradient);
            var second = (beta2 * Vector512.LoadUnsafe(ref v, i)) + (beta2Rest * (gradient * gradient));
            first.StoreUnsafe(ref m, i);
            second.StoreUnsafe(ref v, i);
            var update = stepSize * TUpdate.Of(first, second, epsilon);
            (Vector512.LoadUnsafe(ref p, i) - update).StoreUnsafe(ref p, i);
        }

        for (; i < count; i++)
        {
            var gradient = Unsafe.Add(ref g, i);
            ref var first = ref Unsafe.Add(ref m, i);
            ref var second = ref Unsafe.Add(ref v, i);
            first = (Beta1 * first) + (Beta1Rest * gradient);
            second = (Beta2 * second) + (Beta2Rest * (gradient * gradient));
            Unsafe.Add(ref p, i) -= size * TUpdate.Of(first, second);
        }
    }

    private interface IUpdate
    {
        static abstract Vector512<float> Of(Vector512<float> first, Vector512<float> second, Vector512<float> epsilon);

        static abstract float Of(float first, float second);
    }

    private readonly struct Quotient : IUpdate
    {
        public static Vector512<float> Of(Vector512<float> first, Vector512<float> second, Vector512<float> epsilon) =>
            first / (Vector512.Sqrt(second) + epsilon);

        public static float Of(float first, float second) => first / (MathF.Sqrt(second) + Epsilon);
    }

    private readonly struct Momentum : IUpdate
    {
        public static Vector512<float> Of(Vector512<float> first, Vector512<float> second, Vector512<float> epsilon) =>
            first;

        public static float Of(float first, float second) => first;
    }

    private interface IPrefetch
    {
        static abstract void Ahead(ref float at);
    }

    private readonly struct Plain : IPrefetch
    {
        public static void Ahead(ref float at) { }
    }

    private readonly struct Prefetching : IPrefetch
    {
        // An address that no longer belongs to the array, or to anything, is only a hint that is not taken.
        public static void Ahead(ref float at) =>
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref at, PrefetchedElements)));
    }
}
