namespace NativeRanger.Cli.Bench;

/// <summary>One measurement to be made.</summary>
internal sealed record BenchCase(
    BenchAlgorithm Algorithm,
    string Type,
    InstructionSet InstructionSet,
    int Threads,
    long Bytes
)
{
    public const string Float32 = "float32";
    public const string Float64 = "float64";

    /// <summary>The length of the rows of centralised steps.</summary>
    private const long RowLength = 4096;

    /// <summary>Beyond this nothing of one step is left in a cache for the next.</summary>
    private const long MostBytesToWarm = 256L << 20;

    public int ElementBytes => Type is Float64 ? sizeof(double) : sizeof(float);

    /// <summary>The shape whose working set is as large as asked for, as far as whole rows allow.</summary>
    public (long Rows, long Columns) Shape
    {
        get
        {
            var elements = Math.Max(1, Bytes / (Algorithm.WorkingSetArrays * ElementBytes));
            if (!Algorithm.Centralised)
            {
                return (1, elements);
            }

            var columns = Math.Min(RowLength, Math.Max(2, elements));
            return (Math.Max(1, elements / columns), columns);
        }
    }

    public long Elements => Shape.Rows * Shape.Columns;

    public long WorkingSetBytes => Algorithm.WorkingSetArrays * ElementBytes * Elements;

    public bool Warm => WorkingSetBytes <= MostBytesToWarm;
}
