using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>What is done with tensors while their arrays are pinned.</summary>
internal interface IPinned
{
    /// <summary>Does one piece, whose tensors hold their addresses; returns a status of the native library.</summary>
    int RunPinned(int piece);
}

/// <summary>Pins the arrays of some tensors for the length of one call, and tells the tensors where they are.</summary>
/// <remarks>
/// A local variable that pins costs next to nothing, a handle some 10 ns; so a recursion holds the arrays in its frames. Its depth
/// is bounded by <see cref="Most"/>, whatever the number of tensors: a step of more of them is several calls. Any thread may pin,
/// and two may pin the same array.
/// </remarks>
internal sealed unsafe class PinnedTensors<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The most tensors of a call: the frames that pin them take some 12 KiB, and what describes them fits a core's cache.</summary>
    public const int Most = 256;

    private const int PerFrame = 4;

    private readonly T[] nothing = [];
    private Place[] places = [];
    private int placed;

    /// <summary>The gradient of each tensor, in bind order; in an array, since other threads read them too.</summary>
    private Gradient<T>[] gradients = [];
    private Gradient<T>[] copied = [];

    /// <summary>The number of tensors.</summary>
    public int Count => placed;

    /// <summary>Makes room for so many tensors, and for as many again where it grows, since groups may come one by one.</summary>
    public void Reserve(int tensors)
    {
        if (places.Length < tensors)
        {
            Array.Resize(ref places, Math.Max(2 * places.Length, tensors));
        }
    }

    /// <summary>Adds a tensor, for which there is room, behind the others.</summary>
    public void Add(in Buffer<T> parameter, nr_tensor* tensor) => places[placed++] = new(parameter, tensor);

    /// <summary>Sets the gradients of the step to come, and tells every tensor whether it has one.</summary>
    /// <param name="step">The gradients, in bind order.</param>
    /// <param name="held">The array that they are in, or null.</param>
    public void Take(ReadOnlySpan<Gradient<T>> step, Gradient<T>[]? held)
    {
        if (held is null)
        {
            if (copied.Length != placed)
            {
                copied = new Gradient<T>[placed];
            }

            step.CopyTo(copied);
        }

        gradients = held ?? copied;
        for (var i = 0; i < placed; i++)
        {
            places[i].Expect(gradients[i]);
        }
    }

    /// <summary>The array that the first parameter is in, or null.</summary>
    public T[]? FirstArray => places[0].Parameter.Array;

    /// <summary>Tells the first tensor its addresses, given where its arrays begin, which the caller has pinned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PointFirst(T* parameterArray, in Gradient<T> gradient, T* gradientArray) =>
        places[0].Point(parameterArray, gradient, gradientArray);

    /// <summary>Pins the tensors from <paramref name="first"/> to before <paramref name="end"/>, and runs a piece.</summary>
    public int Run(IPinned work, int piece, int first, int end)
    {
        if (first >= end)
        {
            return work.RunPinned(piece);
        }

        fixed (T* p0 = &Start(Parameter(first, end)))
        fixed (T* p1 = &Start(Parameter(first + 1, end)))
        fixed (T* p2 = &Start(Parameter(first + 2, end)))
        fixed (T* p3 = &Start(Parameter(first + 3, end)))
        fixed (T* g0 = &Start(Gradient(first, end)))
        fixed (T* g1 = &Start(Gradient(first + 1, end)))
        fixed (T* g2 = &Start(Gradient(first + 2, end)))
        fixed (T* g3 = &Start(Gradient(first + 3, end)))
        {
            Point(first, end, p0, g0);
            Point(first + 1, end, p1, g1);
            Point(first + 2, end, p2, g2);
            Point(first + 3, end, p3, g3);
            return Run(work, piece, first + PerFrame, end);
        }
    }

    private T[]? Parameter(int i, int end) => i < end ? places[i].Parameter.Array : null;

    private T[]? Gradient(int i, int end) => i < end ? gradients[i].Array : null;

    private void Point(int i, int end, T* parameter, T* gradient)
    {
        if (i < end)
        {
            places[i].Point(parameter, gradients[i], gradient);
        }
    }

    /// <summary>The first element of an array, or something that can be pinned where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref T Start(T[]? array) => ref MemoryMarshal.GetArrayDataReference(array ?? nothing);

    /// <summary>Where a parameter lies, and the tensor that is told so.</summary>
    private readonly struct Place(Buffer<T> parameter, nr_tensor* tensor)
    {
        public readonly Buffer<T> Parameter = parameter;
        private readonly nr_tensor* tensor = tensor;

        /// <summary>Tells the tensor whether it has a gradient, whose address is not known yet.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Expect(in Gradient<T> gradient) => tensor->gradient = gradient.IsNone ? null : (T*)sizeof(T);

        /// <summary>Tells the tensor its addresses, given where the pinned arrays begin.</summary>
        /// <remarks>A gradient that is there is never null, also where it has no elements.</remarks>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Point(T* parameterArray, in Gradient<T> gradient, T* gradientArray)
        {
            tensor->parameter = AddressOf(Parameter, parameterArray);
            var address = AddressOf(gradient.Buffer, gradientArray);
            tensor->gradient =
                gradient.IsNone ? null
                : address is null ? (T*)sizeof(T)
                : address;
        }

        private static T* AddressOf(in Buffer<T> buffer, T* array) =>
            buffer.Array is null ? buffer.Address : array + buffer.Offset;
    }
}
