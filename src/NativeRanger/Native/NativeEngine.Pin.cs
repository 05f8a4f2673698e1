using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

// Arrays are pinned for the length of one call. A local variable that pins costs next to nothing, a handle some 10 ns; so a
// recursion holds the arrays in its frames, up to a depth that any stack has room for, and handles hold the rest.
internal sealed unsafe partial class NativeEngine<T>
{
    private const int PerFrame = 4;

    /// <summary>So many parameters are pinned on the stack, with their gradients: about 100 KiB of frames.</summary>
    private const int MostOnStack = 2048;

    private readonly PinTable<T> parameterPins = new();
    private readonly PinTable<T> gradientPins = new();
    private readonly T[] nothing = [];
    private Place[] places = [];
    private int placed;

    /// <summary>Makes room for so many parameters, and for as many again where it grows, since groups may come one by one.</summary>
    private void ReservePins(int parameters)
    {
        if (places.Length < parameters)
        {
            Array.Resize(ref places, Math.Max(2 * places.Length, parameters));
        }

        parameterPins.Reserve(parameters - MostOnStack);
        gradientPins.Reserve(parameters - MostOnStack);
    }

    private void DisposePins()
    {
        parameterPins.Dispose();
        gradientPins.Dispose();
    }

    /// <summary>Pins the parameters from <paramref name="first"/> on with their gradients, and steps or synchronizes all.</summary>
    private bool PinFrom(int first, in StepRequest<T> request, bool synchronize)
    {
        if (first >= placed)
        {
            return CallPinned(request, synchronize);
        }

        if (first >= MostOnStack)
        {
            return PinRest(first, request, synchronize);
        }

        var gradients = request.Gradients;
        fixed (T* p0 = &Start(Parameter(first)))
        fixed (T* p1 = &Start(Parameter(first + 1)))
        fixed (T* p2 = &Start(Parameter(first + 2)))
        fixed (T* p3 = &Start(Parameter(first + 3)))
        fixed (T* g0 = &Start(Gradient(gradients, first)))
        fixed (T* g1 = &Start(Gradient(gradients, first + 1)))
        fixed (T* g2 = &Start(Gradient(gradients, first + 2)))
        fixed (T* g3 = &Start(Gradient(gradients, first + 3)))
        {
            Point(gradients, first, p0, g0);
            Point(gradients, first + 1, p1, g1);
            Point(gradients, first + 2, p2, g2);
            Point(gradients, first + 3, p3, g3);
            return PinFrom(first + PerFrame, request, synchronize);
        }
    }

    private bool PinRest(int first, in StepRequest<T> request, bool synchronize)
    {
        try
        {
            for (var i = first; i < placed; i++)
            {
                ref readonly var gradient = ref request.Gradients[i];
                places[i]
                    .Point(parameterPins.Pin(places[i].Parameter), gradientPins.Pin(gradient.Buffer), !gradient.IsNone);
            }

            return CallPinned(request, synchronize);
        }
        finally
        {
            gradientPins.Release();
            parameterPins.Release();
        }
    }

    private bool CallPinned(in StepRequest<T> request, bool synchronize)
    {
        if (!synchronize)
        {
            return StepPinned(request);
        }

        SynchronizePinned();
        return true;
    }

    private T[]? Parameter(int i) => i < placed ? places[i].Parameter.Array : null;

    private static T[]? Gradient(ReadOnlySpan<Gradient<T>> gradients, int i) =>
        i < gradients.Length ? gradients[i].Array : null;

    private void Point(ReadOnlySpan<Gradient<T>> gradients, int i, T* parameter, T* gradient)
    {
        if (i < placed)
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

        /// <summary>Tells the tensor its addresses, given where the pinned arrays begin.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Point(T* parameterArray, in Gradient<T> gradient, T* gradientArray) =>
            Point(
                AddressOf(Parameter, parameterArray),
                AddressOf(gradient.Buffer, gradientArray),
                hasGradient: !gradient.IsNone
            );

        /// <summary>Tells the tensor its addresses. A gradient that is there is never null, also where it has no elements.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Point(T* parameter, T* gradient, bool hasGradient)
        {
            tensor->parameter = parameter;
            tensor->gradient =
                !hasGradient ? null
                : gradient is null ? (T*)sizeof(T)
                : gradient;
        }

        private static T* AddressOf(in Buffer<T> buffer, T* array) =>
            buffer.Array is null ? buffer.Address : array + buffer.Offset;
    }
}
