using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>The tensors of one group as the C contract wants them, with the arrays that they point to; at fixed addresses.</summary>
/// <remarks>A tensor's <c>step</c> holds the completed steps of its parameter between steps.</remarks>
internal sealed unsafe class NativeTensorTable : IDisposable
{
    /// <summary>What <c>nr_tensor.active</c> has bits for.</summary>
    public const int MaximumFollowers = 64;

    public NativeTensorTable(int count)
    {
        Count = count;
        try
        {
            Tensors = (nr_tensor*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(nr_tensor));
            Options = (nr_options*)NativeMemory.AllocZeroed(1, (nuint)sizeof(nr_options));
            Followers = (nr_follower*)NativeMemory.AllocZeroed(MaximumFollowers, (nuint)sizeof(nr_follower));
            Scalars = (double*)NativeMemory.AllocZeroed((nuint)count * ScalarsPerTensor, sizeof(double));
        }
        catch
        {
            Dispose();
            throw;
        }

        for (var i = 0; i < count; i++)
        {
            Tensors[i].scalars = Scalars + (i * ScalarsPerTensor);
        }
    }

    public const int ScalarsPerTensor = 4;

    public static InvalidOperationException TooManyFollowers() =>
        new($"Lookahead levels and averages together cannot exceed {MaximumFollowers}.");

    public int Count { get; }

    public nr_tensor* Tensors { get; private set; }

    public nr_options* Options { get; private set; }

    public nr_follower* Followers { get; private set; }

    private nr_follower_buffers* FollowerBuffers { get; set; }

    private double* Scalars { get; set; }

    public void SetState(int tensor, int index, void* address)
    {
        switch (index)
        {
            case 0:
                Tensors[tensor].state.e0 = address;
                break;
            case 1:
                Tensors[tensor].state.e1 = address;
                break;
            case 2:
                Tensors[tensor].state.e2 = address;
                break;
            default:
                Tensors[tensor].state.e3 = address;
                break;
        }
    }

    public ref nr_follower_buffers Follower(int tensor, int follower) => ref Tensors[tensor].followers[follower];

    /// <summary>Makes room for one follower more, behind those that there are.</summary>
    public void AddFollower()
    {
        var present = Options->follower_count;
        if (present == MaximumFollowers)
        {
            throw TooManyFollowers();
        }

        var grown = (nr_follower_buffers*)
            NativeMemory.AllocZeroed((nuint)Count * (nuint)(present + 1), (nuint)sizeof(nr_follower_buffers));
        for (var i = 0; i < Count; i++)
        {
            new Span<nr_follower_buffers>(Tensors[i].followers, present).CopyTo(
                new(grown + (i * (present + 1L)), present)
            );
            Tensors[i].followers = grown + (i * (present + 1L));
        }

        NativeMemory.Free(FollowerBuffers);
        FollowerBuffers = grown;
        Options->followers = Followers;
        Options->follower_count = present + 1;
    }

    /// <summary>Takes back the last <see cref="AddFollower"/>.</summary>
    public void RemoveFollower() => Options->follower_count--;

    public void Dispose()
    {
        NativeMemory.Free(Tensors);
        NativeMemory.Free(Options);
        NativeMemory.Free(Followers);
        NativeMemory.Free(FollowerBuffers);
        NativeMemory.Free(Scalars);
        Tensors = null;
        Options = null;
        Followers = null;
        FollowerBuffers = null;
        Scalars = null;
    }
}
