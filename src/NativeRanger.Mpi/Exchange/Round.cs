using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger.Mpi;

/// <summary>
/// One round of micro-batches: where this rank's gradients are, which parameters have one on which rank, and which had one in an
/// earlier round since the last step.
/// </summary>
internal sealed unsafe class Round<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator;
    private readonly int parameters;
    private readonly byte* own;
    private readonly byte* all;
    private readonly bool[] begun;
    private readonly bool[] union;
    private bool same;

    public Round(Communicator communicator, int parameters)
    {
        this.communicator = communicator;
        this.parameters = parameters;
        Gradients = (T**)NativeMemory.AllocZeroed((nuint)parameters, (nuint)sizeof(T*));
        own = (byte*)NativeMemory.AllocZeroed((nuint)parameters, 1);
        all = (byte*)NativeMemory.AllocZeroed((nuint)parameters, (nuint)communicator.Size);
        begun = new bool[parameters];
        union = new bool[parameters];
    }

    /// <summary>The gradients of this rank, by parameter; null for none.</summary>
    public T** Gradients { get; }

    /// <summary>A hash of which parameters have a gradient on this rank.</summary>
    public ulong Presence
    {
        get
        {
            var fingerprint = new Fingerprint();
            for (var p = 0; p < parameters; p++)
            {
                fingerprint.Add(own[p]);
            }

            return fingerprint.Value;
        }
    }

    /// <summary>Pins the gradients of a micro-batch.</summary>
    public void Take(ReadOnlySpan<Gradient<T>> gradients, PinTable<T> pins)
    {
        for (var p = 0; p < parameters; p++)
        {
            ref readonly var gradient = ref gradients[p];
            var address = gradient.IsNone ? null : pins.Pin(gradient.Buffer);
            // One that is there is never null, also where it has no elements.
            Gradients[p] = gradient.IsNone || address is not null ? address : (T*)sizeof(T);
            own[p] = gradient.IsNone ? (byte)0 : (byte)1;
        }
    }

    /// <summary>Learns which parameters have a gradient on which rank.</summary>
    /// <param name="allTheSame">Whether they are the same on all ranks.</param>
    public void Compare(bool allTheSame)
    {
        same = allTheSame;
        if (!same)
        {
            communicator.AllGather(own, parameters, all);
        }

        for (var p = 0; p < parameters; p++)
        {
            union[p] = begun[p];
            for (var rank = 0; rank < communicator.Size && !union[p]; rank++)
            {
                union[p] = Has(rank, p);
            }
        }
    }

    /// <summary>Whether a rank has a gradient of a parameter in this round.</summary>
    public bool Has(int rank, int parameter) =>
        (same ? own[parameter] : all[((long)rank * parameters) + parameter]) != 0;

    /// <summary>Whether a parameter had a gradient in an earlier round.</summary>
    public bool HasBegun(int parameter) => begun[parameter];

    /// <summary>Whether a parameter has had a gradient on any rank, in this round or an earlier one.</summary>
    public bool IsPresent(int parameter) => union[parameter];

    /// <summary>Counts the round as done.</summary>
    public void Complete() => union.CopyTo(begun, 0);

    /// <summary>Forgets all rounds.</summary>
    public void Clear()
    {
        Array.Clear(begun);
        Array.Clear(union);
    }

    public void Free()
    {
        NativeMemory.Free(Gradients);
        NativeMemory.Free(own);
        NativeMemory.Free(all);
    }
}
