using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>The sums over micro-batches of those gradients that this rank receives: in their type, or in double.</summary>
internal sealed unsafe class GradientSums<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int type = (int)(typeof(T) == typeof(float) ? nr_type.NR_FLOAT32 : nr_type.NR_FLOAT64);
    private readonly int instructionSet;
    private readonly AlignedMemory<T> gradients;
    private readonly AlignedMemory<double>? wide;

    /// <summary>Room for sums.</summary>
    /// <param name="length">The number of elements.</param>
    /// <param name="inDouble">Whether float gradients are accumulated in double.</param>
    /// <param name="instructionSet">What adds.</param>
    public GradientSums(long length, bool inDouble, InstructionSet instructionSet)
    {
        this.instructionSet = (int)instructionSet;
        gradients = new(length);
        if (inDouble && typeof(T) == typeof(float))
        {
            wide = new(length);
        }
    }

    /// <summary>Whether they are accumulated in a wider type than the gradients'.</summary>
    public bool IsWide => wide is not null;

    public long Bytes => gradients.Bytes + (wide?.Bytes ?? 0);

    /// <summary>The gradient to step with, from a position on.</summary>
    public T* At(long position) => gradients.Address + position;

    /// <summary>Adds a contribution; the first one is taken as it is.</summary>
    public void Add(long position, T* contribution, long count, bool isFirst)
    {
        if (wide is not null)
        {
            AddWide(wide.Address + position, (float*)contribution, count, isFirst);
        }
        else if (isFirst)
        {
            Elements.Copy(contribution, gradients.Address + position, count);
        }
        else
        {
            NativeStatus.Check(
                NativeMethods.nr_accumulate(type, instructionSet, count, contribution, gradients.Address + position)
            );
        }
    }

    /// <summary>Adds a contribution that is in double already.</summary>
    public void AddDouble(long position, double* contribution, long count, bool isFirst)
    {
        var sums = wide!.Address + position;
        for (var i = 0L; i < count; i++)
        {
            sums[i] = isFirst ? contribution[i] : sums[i] + contribution[i];
        }
    }

    /// <summary>Rounds sums in double to the gradient, multiplied in double by a factor first, unless it is 1.</summary>
    public void Round(long position, long count, double factor)
    {
        if (wide is null)
        {
            return;
        }

        var sums = wide.Address + position;
        var rounded = (float*)gradients.Address + position;
        for (var i = 0L; i < count; i++)
        {
            rounded[i] = (float)(factor == 1 ? sums[i] : sums[i] * factor);
        }
    }

    public void Free()
    {
        gradients.Free();
        wide?.Free();
    }

    private static void AddWide(double* sums, float* contribution, long count, bool isFirst)
    {
        for (var i = 0L; i < count; i++)
        {
            sums[i] = isFirst ? contribution[i] : sums[i] + contribution[i];
        }
    }
}
