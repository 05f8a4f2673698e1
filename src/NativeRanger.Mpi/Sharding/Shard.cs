using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>This rank's range of one parameter, as a parameter of its own: a part of the caller's array, or a copy of its rows.</summary>
internal sealed unsafe class Shard<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly AlignedMemory<T>? rows;
    private readonly Segment segment;

    private Shard(Parameter<T> caller, ShardedParameter cut, int number, int rank)
    {
        Caller = caller;
        Cut = cut;
        Range = cut.Ranges[rank];
        segment = new(number, Range, 0, Owned: true, cut.ByRows);
        if (cut.ByRows)
        {
            rows = new(Range.Length);
            Load();
        }

        Own = MakeOwn();
    }

    /// <summary>The caller's parameter.</summary>
    public Parameter<T> Caller { get; }

    /// <summary>How all ranks cut it.</summary>
    public ShardedParameter Cut { get; }

    /// <summary>This rank's range.</summary>
    public ElementRange Range { get; }

    /// <summary>The first rank that owns a part of it; 0 where it has no elements.</summary>
    public int Owner => Math.Max(0, Array.FindIndex(Cut.Ranges, r => r.Length > 0));

    /// <summary>The range as a parameter.</summary>
    public Parameter<T> Own { get; }

    /// <summary>The bytes of the copy, if there is one.</summary>
    public long Bytes => rows?.Bytes ?? 0;

    /// <summary>Cuts parameters of one group.</summary>
    /// <param name="parameters">The callers' parameters.</param>
    /// <param name="recipe">The options of the group.</param>
    /// <param name="firstNumber">The number of the first parameter, in bind order.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="owned">The elements that each rank owns already; those of the group are added.</param>
    public static Shard<T>[] Of(
        IReadOnlyList<Parameter<T>> parameters,
        NativeRecipe recipe,
        int firstNumber,
        int rank,
        long[] owned
    )
    {
        var divisibles = parameters.Select(p => DivisibleOf(p, recipe).Divisible).ToArray();
        var ranges = Partition.Cut(divisibles, owned);
        return
        [
            .. parameters.Select(
                (p, i) =>
                    new Shard<T>(
                        p,
                        new(divisibles[i], p.Rows, DivisibleOf(p, recipe).ByRows, ranges[i]),
                        firstNumber + i,
                        rank
                    )
            ),
        ];
    }

    /// <summary>Whether a parameter would be cut by rows that do not lie in one piece.</summary>
    public static bool CutsByRows(Parameter<T> parameter, NativeRecipe recipe) => DivisibleOf(parameter, recipe).ByRows;

    /// <summary>Whether the options of a recipe cut the parameter as it is cut.</summary>
    public bool Fits(NativeRecipe recipe) => DivisibleOf(Caller, recipe) == (Cut.Divisible, Cut.ByRows);

    /// <summary>Where the own range is while the caller's array is at an address.</summary>
    public T* Address(T* caller) => rows is null ? caller + Range.Start : rows.Address;

    /// <summary>Brings the copy up to date with the caller's array.</summary>
    public void Load()
    {
        if (rows is null)
        {
            return;
        }

        var buffer = Caller.Buffer;
        fixed (T* array = buffer.Array)
        {
            Elements.Gather(
                Cut.Layout,
                segment,
                buffer.Array is null ? buffer.Address : array + buffer.Offset,
                rows.Address
            );
        }
    }

    public void Free() => rows?.Free();

    private static (Divisible Divisible, bool ByRows) DivisibleOf(Parameter<T> parameter, NativeRecipe recipe)
    {
        var length = parameter.Length;
        if (recipe.HasScalars)
        {
            return (new(length, Math.Max(1, length)), false);
        }

        if (!recipe.RowsMatter(parameter))
        {
            return (new(length, Partition.Block), false);
        }

        var layout = parameter.Rows;
        return (new(length, Math.Max(1, layout.RowLength)), layout.Outer > 1);
    }

    private Parameter<T> MakeOwn()
    {
        if (Cut.Divisible.Length == Range.Length && !Cut.ByRows)
        {
            return Caller;
        }

        // Where rows matter, the range is whole rows; as many dimensions, since transforms ask for their number.
        var dimensions = Caller.Shape.Length;
        long[] shape = [Range.Length];
        if (Cut.Divisible.Unit == Cut.Layout.RowLength && dimensions > 1)
        {
            shape = new long[dimensions];
            Array.Fill(shape, 1);
            (shape[0], shape[1]) = (Range.Length / Cut.Layout.RowLength, Cut.Layout.RowLength);
        }

        if (rows is not null)
        {
            return new(Caller.Name, rows.Address, Range.Length, shape);
        }

        var buffer = Caller.Buffer;
        return buffer.Owner is DeviceBuffer<T> device ? new(Caller.Name, device.View(Range.Start, Range.Length), shape)
            : buffer.Array is null ? new(Caller.Name, buffer.Address + Range.Start, Range.Length, shape)
            : new(Caller.Name, buffer.Array.AsMemory(buffer.Offset + (int)Range.Start, (int)Range.Length), shape);
    }
}
