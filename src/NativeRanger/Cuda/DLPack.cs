using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger;

/// <summary>Tensors of other libraries, as DLPack describes them.</summary>
/// <remarks>Source: dmlc/dlpack, dlpack.h, DLManagedTensor.</remarks>
internal static unsafe class DLPack
{
    private const int Cuda = 2;
    private const byte Float = 2;

    [StructLayout(LayoutKind.Sequential)]
    private struct ManagedTensor
    {
        public void* Data;
        public int DeviceType;
        public int DeviceId;
        public int Dimensions;
        public byte Code;
        public byte Bits;
        public ushort Lanes;
        public long* Shape;
        public long* Strides;
        public ulong ByteOffset;
        public void* Context;
        public delegate* unmanaged[Cdecl]<ManagedTensor*, void> Deleter;
    }

    /// <summary>A tensor that is ours to delete.</summary>
    internal sealed class Tensor(nint tensor) : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        /// <summary>Takes the tensor over.</summary>
        public void Take() => SetHandle(tensor);

        protected override bool ReleaseHandle()
        {
            var managed = (ManagedTensor*)handle;
            if (managed->Deleter is not null)
            {
                managed->Deleter(managed);
            }

            return true;
        }
    }

    public static DeviceBuffer<T> Adopt<T>(CudaBackend backend, nint managedTensor)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentOutOfRangeException.ThrowIfZero(managedTensor);
        var managed = (ManagedTensor*)managedTensor;
        if (managed->DeviceType != Cuda || managed->DeviceId != backend.Ordinal)
        {
            throw new ArgumentException(
                $"The DLPack tensor lies on device {managed->DeviceId} of type {managed->DeviceType}; "
                    + $"the backend is CUDA device {backend.Ordinal} (type {Cuda}).",
                nameof(managedTensor)
            );
        }

        if (managed->Code != Float || managed->Bits != 8 * sizeof(T) || managed->Lanes != 1)
        {
            throw new ArgumentException(
                $"The DLPack tensor is of type code {managed->Code} with {managed->Bits} bits and {managed->Lanes} lanes; "
                    + $"{typeof(T).Name} is code {Float} with {8 * sizeof(T)} bits and 1 lane.",
                nameof(managedTensor)
            );
        }

        var length = RequireContiguous(managed);
        var address = (T*)((byte*)managed->Data + managed->ByteOffset);
        using var checkedMemory = backend.Adopt<T>((nint)address, length);
        var tensor = new Tensor(managedTensor);
        tensor.Take();
        return new(backend, tensor, address, length);
    }

    private static long RequireContiguous(ManagedTensor* managed)
    {
        var length = 1L;
        for (var d = managed->Dimensions - 1; d >= 0; d--)
        {
            if (managed->Strides is not null && managed->Shape[d] > 1 && managed->Strides[d] != length)
            {
                throw new ArgumentException("The DLPack tensor is not contiguous; copy it first.", nameof(managed));
            }

            length = checked(length * managed->Shape[d]);
        }

        return length;
    }
}
